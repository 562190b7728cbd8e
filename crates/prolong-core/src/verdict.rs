//! What prolonging comes to.

use crate::{AccessGrant, EndReason, Generation, KeyId, Session};

/// A decision: what to answer, and the session as it should be stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decision {
    /// What to answer.
    pub verdict: Verdict,
    /// The session afterwards. Equal to the one before: nothing to store.
    pub next: Session,
}

/// What to answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// New tokens.
    Renewed(Renewal),
    /// No tokens.
    Refused(Refusal),
    /// The session ended now, by an [`crate::Event::End`].
    Ended(EndReason),
    /// It was noted; there is nothing to hand out.
    Noted,
}

/// New tokens, and how they came about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Renewal {
    /// Which case of the state machine it was.
    pub class: Class,
    /// The refresh token to use next; `None` for access-token sessions.
    pub refresh: Option<RefreshAnswer>,
    /// The access token to mint.
    pub access: AccessGrant,
}

/// The refresh token to use next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RefreshAnswer {
    /// Its generation.
    pub generation: Generation,
    /// The key to sign it with.
    pub key: KeyId,
    /// Whether an answer in the body carries it: not when a client that names its attempts presented it itself.
    pub in_body: bool,
    /// Whether an answer by cookie sets it.
    pub set_cookie: bool,
}

/// The cases of the state machine that give tokens.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Class {
    /// A1: current token, too soon to rotate.
    Coalesced,
    /// A2: current token, rotated.
    Rotated,
    /// B1: the predecessor, from the attempt that replaced it.
    Retry,
    /// B2: the predecessor, within grace.
    Concurrent,
    /// B3: the predecessor, late, from a client without attempt ids, forgiven once.
    Forgiven,
    /// D: a token ahead of the store.
    Adopted,
    /// An access token was prolonged.
    AccessToken,
    /// A session has just started, or was reauthenticated.
    SignIn,
}

impl Class {
    /// The word in metrics and logs.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Coalesced => "A1_coalesced",
            Self::Rotated => "A2_rotated",
            Self::Retry => "B1_retry",
            Self::Concurrent => "B2_concurrent",
            Self::Forgiven => "B3_forgiven",
            Self::Adopted => "D_adopted",
            Self::AccessToken => "access_token",
            Self::SignIn => "sign_in",
        }
    }
}

/// Why there are no tokens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// R0: another client's token. Looks to the caller like a token nobody ever issued.
    ForeignClient,
    /// R1: a valid tag with a wrong secret or an impossible key: a key has leaked. Critical alarm.
    KeyLeak,
    /// R2, R3: over. `disclose`: the caller may be told why.
    Over {
        /// Why.
        reason: EndReason,
        /// Whether this token is young enough to be told.
        disclose: bool,
    },
    /// B3, C2: a spent token. The session ends with this decision.
    Reuse,
    /// B3 under `plain_predecessor = deny`: refused, without consequence.
    SpentToken,
    /// Q: the policy wants the access token along, and none came.
    AccessTokenMissing,
    /// Q: the access token that came is not one of this session.
    AccessTokenForeign,
    /// B2: the predecessor was answered too often.
    TooManyConcurrent,
    /// C1: a late duplicate; the client has newer tokens in its storage.
    Superseded,
    /// D: further ahead of the store than a failover explains. Alarm; 503, no consequence.
    TooFarAhead,
    /// The policy prolongs with the other kind of token.
    WrongCredential,
    /// The access token expired longer ago than the policy accepts.
    AccessTokenTooOld,
    /// `supersede`: a newer access token of the session is the good one.
    AccessTokenSuperseded,
    /// `any-request`: not due for renewal yet.
    NotDue,
}

impl Refusal {
    /// The word in metrics and logs.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ForeignClient => "R0_foreign_client",
            Self::KeyLeak => "R1_key_leak",
            Self::Over { .. } => "R3_over",
            Self::Reuse => "C2_reuse",
            Self::SpentToken => "B3_spent_token",
            Self::AccessTokenMissing => "Q_access_token_missing",
            Self::AccessTokenForeign => "Q_access_token_foreign",
            Self::TooManyConcurrent => "B2_too_many",
            Self::Superseded => "C1_superseded",
            Self::TooFarAhead => "D_too_far_ahead",
            Self::WrongCredential => "wrong_credential",
            Self::AccessTokenTooOld => "access_token_too_old",
            Self::AccessTokenSuperseded => "access_token_superseded",
            Self::NotDue => "not_due",
        }
    }
}
