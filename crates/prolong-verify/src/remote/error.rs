//! Why discovery failed: what is wrong, where, and what to do.

use std::fmt;

use crate::keys::{KeysRefused, LeftOut};

/// Why a verifier could not begin. Never holds a secret.
#[derive(Debug)]
#[non_exhaustive]
pub enum DiscoverError {
    /// Not an `https` URL. Plain `http` is for loopback addresses and for `fetch_url` only.
    BadUrl(String),
    /// The address could not be reached, or answered too late.
    Unreachable(String, reqwest::Error),
    /// The address answered with this status.
    Status(String, u16),
    /// The answer is too large or is not the JSON that it should be.
    BadAnswer(String),
    /// The metadata name another issuer than the expected one (RFC 8414 §3.3).
    WrongIssuer {
        /// What was expected.
        expected: String,
        /// What the metadata say.
        found: String,
    },
    /// The key set was refused.
    Keys(KeysRefused),
    /// The key set holds no key that could be used; these were left out.
    NoKeys(Vec<LeftOut>),
    /// The metadata lack an endpoint that what was asked for needs.
    NoEndpoint(&'static str),
    /// Something was asked for that takes a client, and none was named by `client` or `feed_client`.
    NoClient(&'static str),
    /// The system gave no random bytes.
    NoEntropy,
}

impl fmt::Display for DiscoverError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::BadUrl(url) => write!(f, "{url:?} is not an https URL"),
            Self::Unreachable(url, _) => write!(f, "{url} could not be reached"),
            Self::Status(url, status @ (401 | 403)) if url.contains("/v1/feed") => write!(
                f,
                "{url} answered {status}: name a client with the scope prolong:feed by feed_client(…), or make the feed public"
            ),
            Self::Status(url, status) => write!(f, "{url} answered {status}"),
            Self::BadAnswer(url) => write!(f, "{url} answered with something unexpected"),
            Self::WrongIssuer { expected, found } => write!(
                f,
                "the metadata are of the issuer {found:?}, not {expected:?}: write the issuer exactly as the authority does"
            ),
            Self::Keys(refused) => refused.fmt(f),
            Self::NoKeys(left_out) => {
                f.write_str("the issuer publishes no key that can be used")?;
                left_out.iter().try_for_each(|key| write!(f, "; {key}"))
            }
            Self::NoEndpoint(name) => write!(f, "the issuer's metadata have no {name}"),
            Self::NoClient(what) => write!(
                f,
                "{what} takes a confidential client: name one by client(…) or feed_client(…)"
            ),
            Self::NoEntropy => f.write_str("the system gave no random bytes"),
        }
    }
}

impl std::error::Error for DiscoverError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Unreachable(_, cause) => Some(cause),
            Self::Keys(cause) => Some(cause),
            _ => None,
        }
    }
}
