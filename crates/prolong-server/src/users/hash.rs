//! A stored password hash: Argon2 in PHC notation, bcrypt, or Django's `pbkdf2_sha256`.

use core::fmt;
use std::num::NonZeroU32;
use std::str::FromStr;

use argon2::password_hash::phc;
use argon2::{Algorithm, Argon2, Params, PasswordHasher, PasswordVerifier, Version};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;

/// The most memory of an Argon2 hash that is verified here, KiB. What is made here must stay within it.
pub const MOST_ARGON2_KIB: u32 = 256 * 1024;
/// The most passes of an Argon2 hash that is verified here.
pub const MOST_ARGON2_PASSES: u32 = 16;

/// A password hash in a notation that can be verified here, at a cost that cannot be used against this server.
#[derive(Clone)]
pub struct PasswordHash {
    text: Box<str>,
    kind: Kind,
}

#[derive(Clone)]
enum Kind {
    Argon2(Box<phc::PasswordHash>),
    Bcrypt,
    Django {
        rounds: NonZeroU32,
        salt: Box<str>,
        expected: Vec<u8>,
    },
}

/// What an Argon2id hash made here costs.
#[derive(Clone, Debug)]
pub(crate) struct Cost(Params);

/// What it costs to verify a hash, and nothing of whose it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Work {
    Argon2 { kib: u32, passes: u32, lanes: u32 },
    Bcrypt(u32),
    Django(NonZeroU32),
}

impl Work {
    /// A hash at this cost that no password is known for: verifying it takes as long as verifying a real one.
    pub(crate) fn nobodys(self) -> Option<PasswordHash> {
        let output = STANDARD.encode([0xA5; 32]);
        let text = match self {
            Self::Argon2 { kib, passes, lanes } => {
                let salt = STANDARD.encode([0x5A; 16]);
                let (salt, output) = (salt.trim_end_matches('='), output.trim_end_matches('='));
                format!("$argon2id$v=19$m={kib},t={passes},p={lanes}${salt}${output}")
            }
            Self::Bcrypt(cost) => format!("$2b${cost:02}${}", ".".repeat(53)),
            Self::Django(rounds) => format!("pbkdf2_sha256${rounds}$salt${output}"),
        };
        PasswordHash::parse(&text).ok()
    }
}

/// Why a hash is not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HashFault {
    /// No notation that is known here.
    #[error(
        "must be an Argon2 hash in PHC notation ($argon2id$…), a bcrypt hash ($2b$…), or Django's pbkdf2_sha256$…"
    )]
    Unknown,
    /// A known notation, but broken.
    #[error("begins like a hash but cannot be read to its end")]
    Broken,
    /// So expensive that sign-ins could stop this server.
    #[error(
        "is too expensive to verify here (at most 256 MiB and 16 passes of Argon2, bcrypt cost 15, 5,000,000 rounds of PBKDF2)"
    )]
    TooExpensive,
}

impl PasswordHash {
    /// Reads a hash in one of the notations.
    ///
    /// # Errors
    /// Why it is not taken; never quotes it.
    pub fn parse(text: &str) -> Result<Self, HashFault> {
        let kind = if text.starts_with("$argon2") {
            argon2_kind(text)?
        } else if BCRYPT.iter().any(|prefix| text.starts_with(prefix)) {
            bcrypt_kind(text)?
        } else if let Some(rest) = text.strip_prefix("pbkdf2_sha256$") {
            django_kind(rest)?
        } else {
            return Err(HashFault::Unknown);
        };
        Ok(Self {
            text: text.into(),
            kind,
        })
    }

    /// As it is stored.
    pub(crate) fn as_stored(&self) -> &str {
        &self.text
    }

    /// What it costs to verify it.
    pub(crate) fn work(&self) -> Work {
        match &self.kind {
            Kind::Argon2(hash) => {
                let params = Params::try_from(&**hash).unwrap_or_default();
                Work::Argon2 {
                    kib: params.m_cost(),
                    passes: params.t_cost(),
                    lanes: params.p_cost(),
                }
            }
            Kind::Bcrypt => {
                let parts = bcrypt::HashParts::from_str(&self.text);
                Work::Bcrypt(parts.map_or(12, |parts| parts.get_cost()))
            }
            Kind::Django { rounds, .. } => Work::Django(*rounds),
        }
    }

    /// Whether `password` is the one. Takes as long as the hash costs; call it where blocking is allowed.
    pub(crate) fn verify(&self, password: &[u8]) -> bool {
        match &self.kind {
            Kind::Argon2(hash) => Argon2::default().verify_password(password, &**hash).is_ok(),
            Kind::Bcrypt => bcrypt::verify(password, &self.text).unwrap_or(false),
            Kind::Django {
                rounds,
                salt,
                expected,
            } => {
                use aws_lc_rs::pbkdf2::{PBKDF2_HMAC_SHA256, verify};
                verify(
                    PBKDF2_HMAC_SHA256,
                    *rounds,
                    salt.as_bytes(),
                    password,
                    expected,
                )
                .is_ok()
            }
        }
    }

    /// Whether it should be replaced by one made here of this password, which it has just verified: another notation, or
    /// cheaper than `cost`. Of long passwords bcrypt looks at the first 72 bytes only, so what came behind them is unproved
    /// and may be a slip, which must not become the password.
    pub(crate) fn needs_rehash(&self, cost: &Cost, password: &[u8]) -> bool {
        let hash = match &self.kind {
            Kind::Argon2(hash) => hash,
            Kind::Bcrypt => return password.len() < BCRYPT_READS,
            Kind::Django { .. } => return true,
        };
        let Ok(params) = Params::try_from(&**hash) else {
            return true;
        };
        hash.algorithm.as_str() != "argon2id"
            || params.m_cost() < cost.0.m_cost()
            || params.t_cost() < cost.0.t_cost()
    }
}

impl fmt::Debug for PasswordHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PasswordHash(…)")
    }
}

impl Cost {
    /// Argon2id with so much memory (KiB) and so many passes; what Argon2 itself refuses becomes its default.
    pub(crate) fn new(memory_kib: u32, passes: u32) -> Self {
        Self(Params::new(memory_kib, passes, 1, None).unwrap_or_default())
    }

    /// Hashes a new password. Blocks.
    pub(crate) fn hash(&self, password: &[u8], salt: [u8; 16]) -> Option<String> {
        self.argon2()
            .hash_password_with_salt(password, &salt)
            .ok()
            .map(|hash: phc::PasswordHash| hash.to_string())
    }

    /// The work of a hash made here.
    pub(crate) fn work(&self) -> Work {
        Work::Argon2 {
            kib: self.0.m_cost(),
            passes: self.0.t_cost(),
            lanes: 1,
        }
    }

    fn argon2(&self) -> Argon2<'_> {
        Argon2::new(Algorithm::Argon2id, Version::V0x13, self.0.clone())
    }
}

fn argon2_kind(text: &str) -> Result<Kind, HashFault> {
    let hash = phc::PasswordHash::from_str(text).map_err(|_| HashFault::Broken)?;
    if !matches!(hash.algorithm.as_str(), "argon2id" | "argon2i" | "argon2d") {
        return Err(HashFault::Unknown);
    }
    let params = Params::try_from(&hash).map_err(|_| HashFault::Broken)?;
    let mut names: Vec<String> = hash
        .params
        .iter()
        .map(|(name, _)| name.to_string())
        .collect();
    names.sort_unstable();
    let repeated = names.windows(2).any(|two| two[0] == two[1]);
    if hash.salt.is_none() || hash.hash.is_none() || repeated {
        return Err(HashFault::Broken);
    }
    if params.m_cost() > MOST_ARGON2_KIB
        || params.t_cost() > MOST_ARGON2_PASSES
        || params.p_cost() > 16
    {
        return Err(HashFault::TooExpensive);
    }
    Ok(Kind::Argon2(Box::new(hash)))
}

fn bcrypt_kind(text: &str) -> Result<Kind, HashFault> {
    let parts = bcrypt::HashParts::from_str(text).map_err(|_| HashFault::Broken)?;
    match parts.get_cost() {
        ..4 => Err(HashFault::Broken),
        4..=15 => Ok(Kind::Bcrypt),
        _ => Err(HashFault::TooExpensive),
    }
}

fn django_kind(rest: &str) -> Result<Kind, HashFault> {
    let mut parts = rest.split('$');
    let (Some(rounds), Some(salt), Some(expected), None) =
        (parts.next(), parts.next(), parts.next(), parts.next())
    else {
        return Err(HashFault::Broken);
    };
    let rounds: NonZeroU32 = rounds.parse().map_err(|_| HashFault::Broken)?;
    let expected = STANDARD.decode(expected).map_err(|_| HashFault::Broken)?;
    if expected.len() != 32 || salt.is_empty() {
        return Err(HashFault::Broken);
    }
    if rounds.get() > 5_000_000 {
        return Err(HashFault::TooExpensive);
    }
    Ok(Kind::Django {
        rounds,
        salt: salt.into(),
        expected,
    })
}

/// Bytes of a password, the NUL behind it included, that bcrypt looks at.
const BCRYPT_READS: usize = 72;
const BCRYPT: [&str; 4] = ["$2a$", "$2b$", "$2x$", "$2y$"];

#[cfg(test)]
mod tests {
    use super::*;

    fn cheap() -> Cost {
        Cost::new(8, 1)
    }

    #[test]
    fn what_is_made_here_verifies_and_is_not_remade() {
        let text = cheap().hash(b"correct horse", [1; 16]).unwrap();
        let hash = PasswordHash::parse(&text).unwrap();
        assert!(hash.verify(b"correct horse"));
        assert!(!hash.verify(b"correct horse "));
        assert!(!hash.needs_rehash(&cheap(), b"correct horse"));
        assert!(hash.needs_rehash(&Cost::new(16, 1), b""));
        assert!(hash.needs_rehash(&Cost::new(8, 2), b""));
    }

    #[test]
    fn bcrypt_verifies_and_is_remade() {
        let text = bcrypt::hash_with_salt("correct horse", 4, [7; 16]).unwrap();
        for version in [
            bcrypt::Version::TwoA,
            bcrypt::Version::TwoB,
            bcrypt::Version::TwoY,
        ] {
            let hash = PasswordHash::parse(&text.format_for_version(version)).unwrap();
            assert!(hash.verify(b"correct horse"));
            assert!(!hash.verify(b"wrong"));
            assert!(hash.needs_rehash(&cheap(), b"correct horse"));
        }
    }

    #[test]
    fn what_bcrypt_did_not_look_at_does_not_become_the_password() {
        let long = [b'x'; 80];
        let text = bcrypt::hash_with_salt(long, 4, [7; 16]).unwrap();
        let hash = PasswordHash::parse(&text.format_for_version(bcrypt::Version::TwoB)).unwrap();
        let slip = [&long[..79], b"y"].concat();
        assert!(hash.verify(&slip), "bcrypt cannot tell");
        assert!(!hash.needs_rehash(&cheap(), &slip) && !hash.needs_rehash(&cheap(), &long[..72]));
        assert!(hash.needs_rehash(&cheap(), &long[..71]));
    }

    #[test]
    fn djangos_verifies_and_is_remade() {
        let mut output = [0; 32];
        aws_lc_rs::pbkdf2::derive(
            aws_lc_rs::pbkdf2::PBKDF2_HMAC_SHA256,
            NonZeroU32::new(1000).unwrap(),
            b"salt",
            b"correct horse",
            &mut output,
        );
        let text = format!("pbkdf2_sha256$1000$salt${}", STANDARD.encode(output));
        let hash = PasswordHash::parse(&text).unwrap();
        assert!(hash.verify(b"correct horse"));
        assert!(!hash.verify(b"wrong"));
        assert!(hash.needs_rehash(&cheap(), b"correct horse"));
    }

    /// The first 32 bytes of PBKDF2-HMAC-SHA-256 of "passwd", "salt" and 1 round (RFC 7914 §11).
    #[test]
    fn pbkdf2_is_the_one_of_the_rfc() {
        let bytes = [
            0x55, 0xac, 0x04, 0x6e, 0x56, 0xe3, 0x08, 0x9f, 0xec, 0x16, 0x91, 0xc2, 0x25, 0x44,
            0xb6, 0x05, 0xf9, 0x41, 0x85, 0x21, 0x6d, 0xde, 0x04, 0x65, 0xe6, 0x8b, 0x9d, 0x57,
            0xc2, 0x0d, 0xac, 0xbc,
        ];
        let text = format!("pbkdf2_sha256$1$salt${}", STANDARD.encode(bytes));
        assert!(PasswordHash::parse(&text).unwrap().verify(b"passwd"));
    }

    #[test]
    fn nobodys_hashes_cost_what_they_should_and_no_password_fits() {
        let made = PasswordHash::parse(&cheap().hash(b"x", [1; 16]).unwrap()).unwrap();
        assert_eq!(made.work(), cheap().work());
        let works = [
            cheap().work(),
            Work::Argon2 {
                kib: 64,
                passes: 3,
                lanes: 4,
            },
            Work::Bcrypt(4),
            Work::Bcrypt(12),
            Work::Django(NonZeroU32::new(1000).unwrap()),
        ];
        for work in works {
            let hash = work.nobodys().unwrap();
            assert_eq!(hash.work(), work);
            if work != Work::Bcrypt(12) {
                assert!(!hash.verify(b"") && !hash.verify(b"correct horse"));
            }
        }
    }

    #[test]
    fn what_cannot_be_verified_is_refused_by_name() {
        let faults = [
            ("", HashFault::Unknown),
            ("hunter2", HashFault::Unknown),
            ("$1$abc$def", HashFault::Unknown),
            ("$argon2id$v=19$m=8,t=1,p=1$", HashFault::Broken),
            (
                "$argon2id$v=19$m=8,t=1,p=9,p=1$AQEBAQEBAQEBAQEBAQEBAQ$AQEBAQEBAQEBAQEBAQEBAQ",
                HashFault::Broken,
            ),
            ("$2b$04$short", HashFault::Broken),
            ("pbkdf2_sha256$x$salt$AAAA", HashFault::Broken),
            ("pbkdf2_sha256$0$salt$AAAA", HashFault::Broken),
            ("pbkdf2_sha256$1$salt$AAAA", HashFault::Broken),
        ];
        for (text, fault) in faults {
            assert_eq!(PasswordHash::parse(text).err(), Some(fault), "{text}");
        }
    }

    #[test]
    fn what_would_stop_this_server_is_not_verified() {
        const ONES: &str = "AQEBAQEBAQEBAQEBAQEBAQ";
        let argon2 = |cost: &str| format!("$argon2id$v=19${cost}${ONES}${ONES}");
        let bcrypt = |cost: u32| format!("$2b${cost:02}${}", ".".repeat(53));
        let django = |n: u32| format!("pbkdf2_sha256${n}$salt${}", STANDARD.encode([0; 32]));
        for (good, dear) in [
            (argon2("m=262144,t=1,p=1"), argon2("m=262145,t=1,p=1")),
            (argon2("m=8,t=16,p=1"), argon2("m=8,t=17,p=1")),
            (argon2("m=256,t=1,p=16"), argon2("m=256,t=1,p=17")),
            (bcrypt(15), bcrypt(16)),
            (django(5_000_000), django(5_000_001)),
        ] {
            assert_eq!(PasswordHash::parse(&good).err(), None, "{good}");
            let fault = PasswordHash::parse(&dear).err();
            assert_eq!(fault, Some(HashFault::TooExpensive), "{dear}");
        }
    }
}
