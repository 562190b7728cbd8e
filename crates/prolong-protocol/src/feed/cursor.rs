//! A cursor as the parameter `{epoch}.{seq}.{chain}`.

use core::fmt;
use core::str::FromStr;

use super::{Chain, Cursor};

/// Longer epochs are nobody's.
const MOST_EPOCH: usize = 64;

/// Not of the form `{epoch}.{seq}.{chain}`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotACursor;

impl fmt::Display for NotACursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("must be {epoch}.{seq}.{chain}: letters and digits, a whole number, 32 lower-case hexadecimal digits")
    }
}

impl core::error::Error for NotACursor {}

impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.", self.epoch, self.seq)?;
        self.chain
            .0
            .iter()
            .try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl FromStr for Cursor {
    type Err = NotACursor;

    fn from_str(text: &str) -> Result<Self, NotACursor> {
        let mut parts = text.split('.');
        let (Some(epoch), Some(seq), Some(chain), None) =
            (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return Err(NotACursor);
        };
        let sound_epoch = !epoch.is_empty()
            && epoch.len() <= MOST_EPOCH
            && epoch.bytes().all(|b| b.is_ascii_alphanumeric());
        let sound_seq = !seq.is_empty() && seq.bytes().all(|b| b.is_ascii_digit());
        let sound_chain = chain.len() == 32
            && chain
                .bytes()
                .all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
        if !(sound_epoch && sound_seq && sound_chain) {
            return Err(NotACursor);
        }
        let chain = u128::from_str_radix(chain, 16).map_err(|_| NotACursor)?;
        Ok(Self {
            epoch: epoch.to_owned(),
            seq: seq.parse().map_err(|_| NotACursor)?,
            chain: Chain(chain.to_be_bytes()),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "00ff.12.000102030405060708090a0b0c0d0e0f";

    #[test]
    fn a_cursor_reads_what_it_writes() {
        let cursor: Cursor = TEXT.parse().unwrap();
        assert_eq!(
            (cursor.epoch.as_str(), cursor.seq, cursor.chain.0[15]),
            ("00ff", 12, 15)
        );
        assert_eq!(cursor.to_string(), TEXT);
    }

    #[test]
    fn anything_else_is_not_one() {
        let chain = "000102030405060708090a0b0c0d0e0f";
        for text in [
            String::new(),
            "e".into(),
            "e.1".into(),
            format!("e.1.{chain}.x"),
            format!(".1.{chain}"),
            format!("e..{chain}"),
            format!("e.+1.{chain}"),
            format!("e.18446744073709551616.{chain}"),
            format!("e.1.+{}", &chain[1..]),
            format!("e.1.{}", &chain[1..]),
            format!("e.1.{}", chain.to_uppercase()),
            format!("e/.1.{chain}"),
            format!("{}.1.{chain}", "e".repeat(65)),
        ] {
            assert_eq!(text.parse::<Cursor>(), Err(NotACursor), "{text}");
        }
    }
}
