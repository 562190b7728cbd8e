//! What logins, user ids and passwords may look like. Each fault is the end of a sentence that begins with the field.

use crate::entropy::{Entropy, draw};

/// A login as it is compared: without surrounding space, in lower case.
pub(crate) fn fold_login(login: &str) -> String {
    login.trim().to_lowercase()
}

/// Checks a login and folds it.
pub(crate) fn valid_login(login: &str) -> Result<String, &'static str> {
    let folded = fold_login(login);
    printable(&folded, MOST_NAME)?;
    Ok(folded)
}

/// Checks a user's id.
pub(crate) fn valid_sub(sub: &str) -> Result<(), &'static str> {
    printable(sub, MOST_NAME)?;
    if sub.trim() == sub {
        Ok(())
    } else {
        Err("must not begin or end with space")
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
        assert!(valid_login("  ").is_err());
        assert!(valid_login("a\u{0}b").is_err());
        assert!(valid_login(&"a".repeat(256)).is_err());
        assert!(valid_sub("auth0|123").is_ok());
        assert!(valid_sub(" x").is_err());
        assert!(valid_new_password("1234567").is_err());
        assert!(valid_new_password("ünïcödé8").is_ok());
        assert!(valid_new_password(&"x".repeat(1025)).is_err());
    }
}
