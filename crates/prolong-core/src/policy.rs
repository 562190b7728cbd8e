//! What an operator allows, as meant: a [`Policy`] cannot contradict itself.

use core::num::NonZeroU32;
use core::time::Duration;

use crate::Limit;

pub use draft::{PolicyDraft, PolicyFault};
pub use setting::{
    Activity, CheckFailure, OnPasswordChange, OnReuse, PlainPredecessor, ProlongWith, SoftResponse,
    WhenFull,
};

mod contradictions;
mod draft;
mod setting;

/// What the sessions of a client may do. Built from a [`PolicyDraft`], which refuses contradictions by name.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a yes-or-no key of the configuration"
)]
pub struct Policy {
    /// Life of an access token.
    pub access: Duration,
    /// From then on an access token is due for renewal.
    pub soft: Option<Duration>,
    /// Idle timeout.
    pub idle: Limit,
    /// Absolute lifetime since sign-in.
    pub lifetime: Limit,
    /// The user must have signed in, on any device, within this.
    pub sign_in_within: Option<Duration>,
    /// Asks clients to renew at least so often.
    pub renew_every: Option<Duration>,
    /// What prolongs a session.
    pub prolong_with: ProlongWith,
    /// An access token still prolongs so long after its `exp`.
    pub accept_expired: Duration,
    /// A refresh must also present an authentic access token of the session.
    pub require_access_token: bool,
    /// Replace the refresh token at use.
    pub rotate: bool,
    /// How long the predecessor is tolerated.
    pub grace: Duration,
    /// No rotation sooner than this after the last.
    pub min_rotation_interval: Duration,
    /// What moves the idle deadline.
    pub activity: Activity,
    /// What forward-auth does with a soft-expired token.
    pub soft_response: SoftResponse,
    /// Only the newest access token of a session is good.
    pub supersede: bool,
    /// Cap on a user's live sessions.
    pub sessions_per_user: Option<NonZeroU32>,
    /// What the cap does.
    pub when_full: WhenFull,
    /// A new sign-in ends the user's other sessions.
    pub replace_others: bool,
    /// What a password change ends.
    pub on_password_change: OnPasswordChange,
    /// What a found reuse ends.
    pub on_reuse: OnReuse,
    /// A late predecessor from a client without attempt ids.
    pub plain_predecessor: PlainPredecessor,
    /// The operator's own user table, asked at sign-in and before whatever prolongs a session durably.
    pub check_url: Option<Box<str>>,
    /// What counts where `check_url` does not answer.
    pub check_failure: CheckFailure,
}

impl Policy {
    /// The policy that applies where nothing is said.
    #[must_use]
    pub fn defaults() -> Self {
        Self {
            access: minutes(15),
            soft: None,
            idle: Limit::After(days(7)),
            lifetime: Limit::After(days(30)),
            sign_in_within: None,
            renew_every: None,
            prolong_with: ProlongWith::RefreshToken,
            accept_expired: Duration::ZERO,
            require_access_token: false,
            rotate: true,
            grace: Duration::from_secs(10),
            min_rotation_interval: Duration::from_secs(30),
            activity: Activity::Person,
            soft_response: SoftResponse::Hint,
            supersede: false,
            sessions_per_user: None,
            when_full: WhenFull::EndOldest,
            replace_others: false,
            on_password_change: OnPasswordChange::EndOthers,
            on_reuse: OnReuse::Session,
            plain_predecessor: PlainPredecessor::Forgive,
            check_url: None,
            check_failure: CheckFailure::Allow,
        }
    }
}

pub(crate) const fn minutes(n: u64) -> Duration {
    Duration::from_mins(n)
}

pub(crate) const fn hours(n: u64) -> Duration {
    minutes(n * 60)
}

pub(crate) const fn days(n: u64) -> Duration {
    hours(n * 24)
}
