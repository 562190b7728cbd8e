//! What can happen to a session.

use core::time::Duration;

use crate::{AttemptHash, EndReason, Generation, KeyId, SecretHash, Timestamp};

/// Something that happens to a session. Credentials in it are authentic: signatures and tags were checked before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event<'a> {
    /// A refresh token was presented.
    Refresh(Refresh<'a>),
    /// An access token was presented to be prolonged.
    Renew(Renew),
    /// An API request was seen, at the time given (not after now).
    RequestSeen(Timestamp),
    /// The user proved who they are again.
    Reauthenticated,
    /// Somebody or something ends it.
    End(EndReason),
}

/// A refresh token, presented. Its tag is authentic.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refresh<'a> {
    /// The client that presents it; `None` where a public client does not say.
    pub client: Option<&'a str>,
    /// The key that signed it.
    pub key: KeyId,
    /// Its generation, *g*.
    pub generation: Generation,
    /// Hash of the secret in it.
    pub secret: SecretHash,
    /// The attempt it names, hashed for *g*.
    pub attempt: Attempt,
    /// How long ago the person was last active, if the client says so.
    pub idle_for: Option<Duration>,
    /// The access token that came with it.
    pub access_token: PresentedAccessToken,
    /// How often the predecessor of the current generation was answered as concurrent already, on this node.
    pub concurrent_answers: u32,
    /// The newest refresh-token key: what a rotation signs with.
    pub newest_key: KeyId,
    /// The operator declared a restore, so clients may be far ahead.
    pub restore_declared: bool,
}

/// The attempt id of a refresh, hashed; absent never matches absent.
pub type Attempt = Option<AttemptHash>;

/// The access token that came along with a refresh token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PresentedAccessToken {
    /// None came.
    Absent,
    /// An authentic one of this session and version, expired or not.
    Authentic,
    /// One that is forged, or belongs elsewhere.
    Foreign,
}

/// An access token, presented to be prolonged. Its signature is authentic, and it names this session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Renew {
    /// Its `exp`.
    pub expires_at: Timestamp,
    /// Its `iat`.
    pub issued_at: Timestamp,
    /// Its generation, where the policy supersedes.
    pub generation: Option<Generation>,
    /// How long ago the person was last active, if the client says so.
    pub idle_for: Option<Duration>,
    /// A shorter life than the policy's, if the client asks for one.
    pub expires_in: Option<Duration>,
    /// The request came through forward-auth (`any-request`): it is renewed only from half of its life on.
    pub by_request: bool,
}
