//! What a session may do: its state, its policy, and [`decide`].
//!
//! Pure: no I/O, no clock, no randomness, no async. Everything that happens to a session is a function of
//! (session, user's standing, event, now, policy), so it can be read, tested and searched without a server.
//! The rules are those of the refresh state machine described in `docs/reference/state-machine.md`.
#![forbid(unsafe_code)]

mod access;
mod activity;
mod deadline;
mod decide;
mod event;
mod feed;
mod id;
mod password_change;
mod policy;
mod preset;
mod reason;
mod refresh;
mod renew;
mod session;
mod session_cap;
mod time;
mod timeline;
mod user;
mod verdict;

pub use access::{AccessGrant, RenewalHint};
pub use deadline::{Over, over};
pub use decide::decide;
pub use event::{Attempt, Event, PresentedAccessToken, Refresh, Renew};
pub use feed::{FeedEntry, FeedKind};
pub use id::{AttemptHash, Generation, KeyId, SecretHash, SessionId, Shard, UserKey};
pub use password_change::ended_by_password_change;
pub use policy::{
    Activity, CheckFailure, OnPasswordChange, OnReuse, PlainPredecessor, Policy, PolicyDraft,
    PolicyFault, ProlongWith, SoftResponse, WhenFull,
};
pub use preset::Preset;
pub use reason::{Action, EndReason};
pub use session::{Flags, Life, ProducedBy, Session, Start};
pub use session_cap::{CapVerdict, make_room};
pub use time::{Limit, Timestamp};
pub use timeline::{TimelineLine, explain_policy};
pub use user::Standing;
pub use verdict::{Class, Decision, RefreshAnswer, Refusal, Renewal, Verdict};
