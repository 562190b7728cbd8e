//! A session: one sign-in of one user through one client on one device.

use crate::activity::Evidence;
use crate::{
    AttemptHash, EndReason, Generation, KeyId, Limit, Policy, SecretHash, SessionId, Standing,
    Timestamp, UserKey,
};

/// A session as it is stored: constant size, whatever its age.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Session {
    /// Its id, `sid` in tokens.
    pub id: SessionId,
    /// Whose it is.
    pub user: UserKey,
    /// The client that asked for it.
    pub client: Box<str>,
    /// Live, or ended and why.
    pub life: Life,
    /// Facts that stick once seen.
    pub flags: Flags,
    /// The current generation, *c*.
    pub generation: Generation,
    /// The refresh-token key of generation *c*.
    pub key: KeyId,
    /// The refresh-token key of generation *c* − 1.
    pub previous_key: KeyId,
    /// Hash of the session secret.
    pub secret: SecretHash,
    /// What produced *c*.
    pub produced_by: ProducedBy,
    /// The attempt that produced *c* − 1, if one was named.
    pub predecessor_attempt: Option<AttemptHash>,
    /// The predecessor generation that was last forgiven (`plain_predecessor = forgive`).
    pub forgiven: Option<Generation>,
    /// When *c* came to be, or when its predecessor was first forgiven: rotation waits from here.
    pub rotated_at: Timestamp,
    /// The last thing a person did, as far as is known.
    pub active_at: Timestamp,
    /// When the session started.
    pub started_at: Timestamp,
    /// When the user last proved who they are in this session (`auth_time`).
    pub authenticated_at: Timestamp,
    /// Idle timeout, frozen at the last success.
    pub idle: Limit,
    /// Absolute end, frozen at the last success.
    pub absolute_end: Option<Timestamp>,
    /// The user's `jwt_version` when it started.
    pub version: u64,
    /// Scopes granted, space-separated; `None`: all that the client has.
    pub scope: Option<Box<str>>,
    /// Authentication context class of its sign-in, if one was told.
    pub acr: Option<Box<str>>,
    /// What the user calls the device.
    pub device_name: Option<Box<str>>,
    /// What the device says of itself, shortened ("Firefox on Linux").
    pub user_agent: Option<Box<str>>,
    /// Where it started, coarsely (/24 or /48).
    pub ip: Option<Box<str>>,
}

/// Whether a session still lives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Life {
    /// Not ended. It may still be over by its deadlines, which are computed and never written.
    Live,
    /// Ended for good.
    Ended {
        /// Why.
        reason: EndReason,
        /// When.
        at: Timestamp,
    },
}

/// Facts about a session that stick once they were seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Flags {
    /// Its client names its attempts, so a late predecessor without one is a theft.
    pub attempts_seen: bool,
    /// Its client reports activity, so a renewal without a report is not activity.
    pub evidence_seen: bool,
    /// The user asked to stay signed in.
    pub remember: bool,
}

/// What made the current generation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProducedBy {
    /// The sign-in, or a rotation without an attempt id.
    Unnamed,
    /// A rotation that named its attempt.
    Attempt(AttemptHash),
    /// A token that was ahead of the store (a lost write).
    Adopted,
}

impl ProducedBy {
    pub(crate) fn attempt(self) -> Option<AttemptHash> {
        match self {
            Self::Attempt(hash) => Some(hash),
            Self::Unnamed | Self::Adopted => None,
        }
    }
}

/// What is known when a session starts.
#[derive(Clone, Debug)]
pub struct Start {
    /// Its id.
    pub id: SessionId,
    /// Whose it is.
    pub user: UserKey,
    /// The client that asks.
    pub client: Box<str>,
    /// The refresh-token key in use.
    pub key: KeyId,
    /// Hash of the fresh session secret.
    pub secret: SecretHash,
    /// When the user proved who they are; not after now.
    pub authenticated_at: Timestamp,
    /// The user asked to stay signed in.
    pub remember: bool,
    /// Scopes granted, space-separated; `None`: all that the client has.
    pub scope: Option<Box<str>>,
    /// Authentication context class.
    pub acr: Option<Box<str>>,
    /// What the user calls the device.
    pub device_name: Option<Box<str>>,
    /// What the device says of itself.
    pub user_agent: Option<Box<str>>,
    /// Where it starts, coarsely.
    pub ip: Option<Box<str>>,
}

impl Session {
    /// Starts a session at generation 0, for a user in the given standing (its version counts), under `policy`.
    #[must_use]
    pub fn start(start: Start, user: &Standing, now: Timestamp, policy: &Policy) -> Self {
        Self {
            id: start.id,
            user: start.user,
            client: start.client,
            life: Life::Live,
            flags: Flags {
                remember: start.remember,
                ..Flags::default()
            },
            generation: Generation(0),
            key: start.key,
            previous_key: start.key,
            secret: start.secret,
            produced_by: ProducedBy::Unnamed,
            predecessor_attempt: None,
            forgiven: None,
            rotated_at: now,
            active_at: now,
            started_at: now,
            authenticated_at: start.authenticated_at.min(now),
            idle: policy.idle,
            absolute_end: policy.lifetime.end(now),
            version: user.version,
            scope: start.scope,
            acr: start.acr,
            device_name: start.device_name,
            user_agent: start.user_agent,
            ip: start.ip,
        }
    }

    /// What each stored success brings: the activity that it proves, and the policy's deadlines, frozen anew.
    pub(crate) fn succeed(&mut self, evidence: Evidence, policy: &Policy) {
        self.active_at = evidence.active_at;
        self.flags.evidence_seen = evidence.evidence_seen;
        self.freeze(policy);
    }

    /// Freezes the policy's deadlines, as each stored success does: a longer policy counts from then on.
    pub(crate) fn freeze(&mut self, policy: &Policy) {
        self.idle = policy.idle;
        self.absolute_end = policy.lifetime.end(self.started_at);
    }

    pub(crate) fn is_frozen_as(&self, policy: &Policy) -> bool {
        self.idle == policy.idle && self.absolute_end == policy.lifetime.end(self.started_at)
    }
}
