//! Why a token was refused. Never holds the token or a part of it.

use std::fmt;

use prolong_protocol::problem::{Action, Code, Reason};

/// The closed list of refusals.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Rejection {
    /// Over 8 KiB.
    TooLarge,
    /// Not three parts of compact serialization, or with other characters.
    NotCompact,
    /// A part is not strict base64url.
    BadEncoding,
    /// The header is not a JSON object with unique members and an `alg` and `kid`.
    BadHeader,
    /// `crit` or `b64` is present.
    CriticalExtension,
    /// Not of an expected `typ`.
    WrongType,
    /// Not an expected algorithm.
    WrongAlgorithm,
    /// No key has its `kid`.
    UnknownKey,
    /// The key of its `kid` has another algorithm.
    KeyAlgorithm,
    /// The signature is not the key's.
    BadSignature,
    /// The claims are not a JSON object with unique members.
    BadClaims,
    /// This claim is missing or has the wrong type.
    BadClaim(&'static str),
    /// Another issuer's.
    WrongIssuer,
    /// For someone else.
    WrongAudience,
    /// `nbf` or `iat` is ahead of the clock.
    NotYetValid,
    /// Past `exp`.
    Expired,
    /// Past `exp` where the soft expiry is enforced: the time to renew is over.
    RenewalMissed,
    /// Past `softexp` where that is enforced.
    SoftExpired,
    /// Signed by a key that was declared unsafe.
    KeyDistrusted,
    /// Issued before a cut that covers its client, or everyone.
    IssuedBeforeCut,
    /// Its `jwt_version` is below the user's.
    VersionRaised,
    /// Its session ended.
    SessionEnded(Option<Reason>),
    /// The authority was asked and says that it is not active.
    NotActive,
    /// A newer access token of its session is the good one.
    Superseded,
    /// It lacks a scope that the route requires.
    InsufficientScope,
    /// The sign-in behind it is too old or too weak for the route.
    InsufficientAuthentication,
    /// It belongs to a machine where a user's is required, or the reverse.
    WrongSubjectKind,
}

impl Rejection {
    /// The problem code.
    #[must_use]
    pub const fn code(self) -> Code {
        match self {
            Self::TooLarge => Code::TooLarge,
            Self::Expired | Self::SoftExpired | Self::Superseded | Self::KeyDistrusted => {
                Code::ExpiredToken
            }
            Self::InsufficientScope | Self::WrongSubjectKind => Code::InsufficientScope,
            Self::InsufficientAuthentication => Code::InsufficientAuthentication,
            _ => Code::InvalidToken,
        }
    }

    /// What the client should do. A token of a distrusted key is renewed: its session goes on.
    #[must_use]
    pub const fn action(self) -> Action {
        match self {
            Self::SessionEnded(Some(Reason::ReauthRequired | Reason::SignInTooOld)) => {
                Action::Reauthenticate
            }
            _ => self.code().action(),
        }
    }

    /// Why, where the feed tells.
    #[must_use]
    pub const fn reason(self) -> Option<Reason> {
        match self {
            Self::SessionEnded(reason) => reason,
            Self::VersionRaised => Some(Reason::VersionRaised),
            Self::Superseded => Some(Reason::Superseded),
            Self::KeyDistrusted => Some(Reason::KeyDistrusted),
            _ => None,
        }
    }

    /// One sentence for the developer of a client.
    #[must_use]
    pub const fn detail(self) -> &'static str {
        match self {
            Self::TooLarge => "the token is over 8 KiB",
            Self::NotCompact => "the token is not a JWS in compact serialization",
            Self::BadEncoding => "a part of the token is not strict base64url",
            Self::BadHeader => "the token's header is not sound",
            Self::CriticalExtension => "the token's header demands an extension (crit or b64)",
            Self::WrongType => "the token's typ is not the expected one",
            Self::WrongAlgorithm => "the token's algorithm is not an accepted one",
            Self::UnknownKey => "the token's kid names no known key",
            Self::KeyAlgorithm => "the token's algorithm is not its key's",
            Self::BadSignature => "the token's signature does not match",
            Self::BadClaims => "the token's claims are not sound",
            Self::BadClaim(_) => "a claim of the token is missing or has the wrong type",
            Self::WrongIssuer => "the token is another issuer's",
            Self::WrongAudience => "the token is for another audience",
            Self::NotYetValid => "the token is not valid yet",
            Self::Expired | Self::RenewalMissed => "the token has expired",
            Self::SoftExpired => "the token is due for renewal",
            Self::KeyDistrusted => "the key that signed the token is no longer trusted",
            Self::IssuedBeforeCut => "tokens issued so early are no longer accepted",
            Self::VersionRaised => "the user's tokens of this version are no longer accepted",
            Self::SessionEnded(_) => "the session has ended",
            Self::NotActive => "the authority does not accept the token any more",
            Self::Superseded => "a newer token of this session was issued",
            Self::InsufficientScope => "the token lacks a required scope",
            Self::InsufficientAuthentication => "a more recent or stronger sign-in is required",
            Self::WrongSubjectKind => "the token is not for this kind of caller",
        }
    }
}

impl fmt::Display for Rejection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::BadClaim(name) => write!(f, "the claim {name} is missing or has the wrong type"),
            other => f.write_str(other.detail()),
        }
    }
}

impl std::error::Error for Rejection {}
