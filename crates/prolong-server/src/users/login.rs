//! What logins, user ids and passwords may look like. Each fault is the end of a sentence that begins with the field.

use super::username::enforced;
use crate::entropy::{Entropy, draw};

/// Checks a login and folds it: RFC 8265 §3.3 (`UsernameCaseMapped`), so that whoever types it on another keyboard types
/// the same. Parts may have spaces between them (§3.1).
pub(crate) fn valid_login(login: &str) -> Result<String, &'static str> {
    let plain = in_lower_case(login);
    printable(&plain, MOST_NAME)?;
    let folded = enforced(&plain).ok_or(
        "must have letters, digits and ASCII punctuation only, and one direction of writing in each word (RFC 8265)",
    )?;
    printable(&folded, MOST_NAME)?;
    Ok(folded)
}

/// How a login may be stored that somebody typed like this, to be looked up in this order: as it was folded before
/// decision 0039, where that is another spelling, and as it is folded now. The last is the name of the account, for
/// whatever is counted by it.
pub(crate) fn login_spellings(typed: &str) -> Vec<String> {
    let plain = in_lower_case(typed);
    match enforced(&plain) {
        Some(folded) if folded != plain => vec![plain, folded],
        _ => vec![plain],
    }
}

/// By the whole word: its last sigma is another one than those before it.
fn in_lower_case(login: &str) -> String {
    login.trim().to_lowercase()
}

/// Checks a user's id.
pub(crate) fn valid_sub(sub: &str) -> Result<(), &'static str> {
    printable(sub, MOST_NAME)?;
    if sub.trim() != sub {
        Err("must not begin or end with space")
    } else if matches!(sub, "." | "..") {
        // Whoever resolves `/v1/admin/users/..` calls another path, also where the dots are encoded (RFC 3986 §5.2.4).
        Err("must not be a part of paths that is resolved")
    } else {
        Ok(())
    }
}

/// Checks a new password: at least 8 characters (NIST SP 800-63B-4 §3.1.1.2 where it is not the only factor), at most
/// 1,024 bytes, and no rules about which.
pub(crate) fn valid_new_password(password: &str) -> Result<(), &'static str> {
    if password.chars().count() < 8 {
        Err("must have at least 8 characters")
    } else if password.len() > MOST_PASSWORD {
        Err("must have at most 1,024 bytes")
    } else {
        Ok(())
    }
}

/// A fresh user id: a UUID version 4.
pub(crate) fn new_sub(entropy: &dyn Entropy) -> String {
    let mut bytes: [u8; 16] = draw(entropy);
    bytes[6] = (bytes[6] & 0x0F) | 0x40;
    bytes[8] = (bytes[8] & 0x3F) | 0x80;
    prolong_core::SessionId(bytes).to_string()
}

fn printable(text: &str, most: usize) -> Result<(), &'static str> {
    if text.is_empty() {
        Err("must not be empty")
    } else if text.len() > most {
        Err("must have at most 255 bytes")
    } else if text.chars().any(char::is_control) {
        Err("must not contain control characters")
    } else {
        Ok(())
    }
}

const MOST_NAME: usize = 255;
const MOST_PASSWORD: usize = 1024;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_checked() {
        assert_eq!(
            valid_login(" Maryo@Example.com "),
            Ok("maryo@example.com".to_owned())
        );
        assert_eq!(valid_login("Marie  Curie"), Ok("marie  curie".to_owned()));
        assert!(valid_login("  ").is_err());
        assert!(valid_login("a\u{0}b").is_err());
        assert!(valid_login(&"a".repeat(256)).is_err());
        assert!(valid_sub("auth0|123").is_ok());
        for sub in [" x", ".", ".."] {
            assert!(valid_sub(sub).is_err(), "{sub}");
        }
        assert!(valid_sub("...").is_ok());
        assert!(valid_new_password("1234567").is_err());
        assert!(valid_new_password("ünïcödé8").is_ok());
        assert!(valid_new_password(&"x".repeat(1025)).is_err());
    }
    /// What looks the same and can be typed both ways is one login.
    #[test]
    fn a_login_has_one_spelling() {
        for (one, other) in [
            ("Rene\u{301}", "ren\u{e9}"), // é as a letter and an accent
            ("\u{ff2d}\u{ff41}\u{ff52}\u{ff59}\u{ff4f}", "maryo"), // full-width letters
            ("\u{ff76}\u{ff9e}", "\u{30ac}"), // half-width katakana
            ("\u{391}\u{3a3}", "\u{3b1}\u{3c2}"), // a sigma at the end of a word
            ("anna@ex\u{ff0e}example", "anna@ex.example"),
        ] {
            assert_eq!(valid_login(one), Ok(other.to_owned()), "{one}");
            assert_eq!(valid_login(other), Ok(other.to_owned()), "{other}");
            assert_eq!(login_spellings(one).last(), Some(&other.to_owned()));
            assert_eq!(login_spellings(other), [other]);
        }
        let typed = login_spellings(" Rene\u{301}");
        assert_eq!(
            typed,
            ["rene\u{301}", "ren\u{e9}"],
            "as it was stored, first"
        );
    }

    /// It could not be told from "maryo".
    #[test]
    fn a_login_has_no_character_that_is_not_seen() {
        let odd = "ma\u{200b}ryo";
        assert!(valid_login(odd).is_err());
        assert_eq!(
            login_spellings(odd),
            [odd],
            "still looked up as it was stored"
        );
    }
}
