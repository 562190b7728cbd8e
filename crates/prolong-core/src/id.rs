//! Identifiers and hashes, each its own type, so that one cannot be taken for another.

use core::fmt;

/// A session's id (`sid`): a UUID version 8 whose first 12 bits are the shard of its user. Not a secret.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SessionId(pub [u8; 16]);

impl SessionId {
    /// Builds the id from 16 random bytes and the shard of the user it belongs to.
    #[must_use]
    pub fn from_random(mut random: [u8; 16], shard: Shard) -> Self {
        let [high, low] = (shard.0 << 4).to_be_bytes();
        random[0] = high;
        random[1] = low | (random[1] & 0x0F);
        random[6] = (random[6] & 0x0F) | 0x80;
        random[8] = (random[8] & 0x3F) | 0x80;
        Self(random)
    }

    /// The virtual shard: the same for all sessions of a user.
    #[must_use]
    pub fn shard(self) -> Shard {
        Shard::leading(self.0[0], self.0[1])
    }

    /// Reads the hyphenated lower- or upper-case form; `None` for anything else.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        parse_uuid(text).map(Self)
    }
}

impl fmt::Display for SessionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_uuid(self.0, f)
    }
}

impl fmt::Debug for SessionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_uuid(self.0, f)
    }
}

/// A virtual shard, 0–4095: where a user's rows would live, if the tables were spread over several machines.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Shard(u16);

impl Shard {
    /// The shard of a user, from SHA-256 over their id (`sub`): its first 12 bits.
    #[must_use]
    pub fn of_user(sha256_of_sub: &[u8; 32]) -> Self {
        Self::leading(sha256_of_sub[0], sha256_of_sub[1])
    }

    /// Its number, 0–4095.
    #[must_use]
    pub fn number(self) -> u16 {
        self.0
    }

    fn leading(first: u8, second: u8) -> Self {
        Self((u16::from(first) << 4) | (u16::from(second) >> 4))
    }
}

/// A user's key in the store: 16 bytes of a hash of the user's id (`sub`), which itself stands in the user's row.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UserKey(pub [u8; 16]);

impl fmt::Debug for UserKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_uuid(self.0, f)
    }
}

/// How often the refresh token of a session was replaced. At most 2⁴⁸ − 1 (the token's field).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Generation(pub u64);

impl Generation {
    /// The generation after this one.
    #[must_use]
    pub fn next(self) -> Self {
        Self(self.0.saturating_add(1))
    }
}

/// Which refresh-token key authenticates a token, by its master key's id. Never used twice; later keys have higher ids.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KeyId(pub u8);

/// SHA-256 of a session's secret. Not the secret: it cannot be turned into a token.
#[derive(Clone, Copy)]
pub struct SecretHash(pub [u8; 32]);

impl PartialEq for SecretHash {
    /// Looks at every byte whatever it finds, so that timing says nothing.
    fn eq(&self, other: &Self) -> bool {
        self.0
            .iter()
            .zip(&other.0)
            .fold(0, |acc, (a, b)| acc | (a ^ b))
            == 0
    }
}

impl Eq for SecretHash {}

impl fmt::Debug for SecretHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretHash(…)")
    }
}

/// Eight bytes of the hash of an attempt id, bound to a session and to the generation that was presented.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct AttemptHash(pub [u8; 8]);

fn write_uuid(bytes: [u8; 16], f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let (mut text, mut at) = ([b'-'; 36], 0);
    for byte in bytes {
        for digit in [byte >> 4, byte & 15] {
            if matches!(at, 8 | 13 | 18 | 23) {
                at += 1;
            }
            text[at] = b"0123456789abcdef"[usize::from(digit)];
            at += 1;
        }
    }
    f.write_str(core::str::from_utf8(&text).map_err(|_| fmt::Error)?)
}

fn parse_uuid(text: &str) -> Option<[u8; 16]> {
    let text = text.as_bytes();
    if text.len() != 36 {
        return None;
    }
    let mut bytes = [0_u8; 16];
    let mut digits = 0;
    for (i, &c) in text.iter().enumerate() {
        if matches!(i, 8 | 13 | 18 | 23) {
            if c != b'-' {
                return None;
            }
            continue;
        }
        let digit = match c {
            b'0'..=b'9' => c - b'0',
            b'a'..=b'f' => c - b'a' + 10,
            b'A'..=b'F' => c - b'A' + 10,
            _ => return None,
        };
        bytes[digits / 2] = (bytes[digits / 2] << 4) | digit;
        digits += 1;
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_session_id_is_a_uuid_of_version_8_that_begins_with_its_users_shard() {
        let mut sha256 = [0; 32];
        sha256[..2].copy_from_slice(&[0xd2, 0xa3]);
        let shard = Shard::of_user(&sha256);
        assert_eq!(shard.number(), 0xd2a);
        let id = SessionId::from_random([0xff; 16], shard);
        assert_eq!(id.to_string(), "d2afffff-ffff-8fff-bfff-ffffffffffff");
        assert_eq!(id.shard(), shard);
        let id = SessionId::from_random([0; 16], shard);
        assert_eq!(id.to_string(), "d2a00000-0000-8000-8000-000000000000");
        assert_eq!(SessionId::parse(&id.to_string()), Some(id));
    }
}
