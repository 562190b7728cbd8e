//! What an operator allows, as meant: a [`Policy`] cannot contradict itself.

use core::fmt;
use core::num::NonZeroU32;
use core::time::Duration;

use crate::{Limit, Preset};

/// What the sessions of a client may do. Built from a [`PolicyDraft`], which refuses contradictions by name.
#[derive(Clone, Debug, PartialEq, Eq)]
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
    /// The operator's own user table, asked at sign-in and at durable prolongations.
    pub check_url: Option<Box<str>>,
    /// What counts where `check_url` does not answer.
    pub check_failure: CheckFailure,
}

/// Declares a two-or-more-valued policy setting with its words.
macro_rules! setting {
    ($(#[$doc:meta])* $name:ident { $($(#[$vdoc:meta])* $variant:ident = $word:literal),+ $(,)? }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum $name { $($(#[$vdoc])* $variant),+ }
        impl $name {
            /// Every word of this setting.
            pub const WORDS: &'static [&'static str] = &[$($word),+];
            /// The word in a configuration.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $word),+ }
            }
            /// The setting of a word; `None` for an unknown one.
            #[must_use]
            pub fn parse(word: &str) -> Option<Self> {
                match word { $($word => Some(Self::$variant),)+ _ => None }
            }
        }
    };
}

setting!(
    /// What prolongs a session.
    ProlongWith {
        /// An opaque refresh token.
        RefreshToken = "refresh-token",
        /// The access token itself.
        AccessToken = "access-token",
        /// Any request that passes forward-auth.
        AnyRequest = "any-request",
    }
);
setting!(
    /// What moves the idle deadline.
    Activity {
        /// What the client reports of the person; each renewal, until it first reports.
        Person = "person",
        /// Only what the client reports.
        PersonOnly = "person-only",
        /// Each renewal.
        Renewal = "renewal",
        /// Requests that verifiers and forward-auth saw.
        Request = "request",
    }
);
setting!(
    /// What forward-auth does with a soft-expired token.
    SoftResponse {
        /// Serves it, and hints that it is due.
        Hint = "hint",
        /// Refuses it with `EXPIRED_TOKEN`.
        Reject = "reject",
    }
);
setting!(
    /// What a full session cap does.
    WhenFull {
        /// Ends the least recently active session.
        EndOldest = "end-oldest",
        /// Refuses the sign-in.
        Refuse = "refuse",
    }
);
setting!(
    /// What a password change ends.
    OnPasswordChange {
        /// The user's other sessions.
        EndOthers = "end-others",
        /// All, the caller's too.
        EndAll = "end-all",
        /// None.
        Keep = "keep",
    }
);
setting!(
    /// What a found reuse ends.
    OnReuse {
        /// The session.
        Session = "session",
        /// All sessions of the user.
        User = "user",
    }
);
setting!(
    /// A late predecessor from a client without attempt ids.
    PlainPredecessor {
        /// Answered, once.
        Forgive = "forgive",
        /// Refused, without consequence.
        Deny = "deny",
        /// Taken for theft.
        Revoke = "revoke",
    }
);
setting!(
    /// What counts where `check_url` does not answer.
    CheckFailure {
        /// Goes on.
        Allow = "allow",
        /// Refuses for now (503).
        Refuse = "refuse",
    }
);

/// A policy as written: what is absent takes the preset's value, or the default.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
#[expect(missing_docs, reason = "each field is the field of the same name in Policy")]
pub struct PolicyDraft {
    pub preset: Option<Preset>,
    pub access: Option<Duration>,
    pub soft: Option<Duration>,
    pub idle: Option<Limit>,
    pub lifetime: Option<Limit>,
    pub sign_in_within: Option<Duration>,
    pub renew_every: Option<Duration>,
    pub prolong_with: Option<ProlongWith>,
    pub accept_expired: Option<Duration>,
    pub require_access_token: Option<bool>,
    pub rotate: Option<bool>,
    pub grace: Option<Duration>,
    pub min_rotation_interval: Option<Duration>,
    pub activity: Option<Activity>,
    pub soft_response: Option<SoftResponse>,
    pub supersede: Option<bool>,
    pub sessions_per_user: Option<u32>,
    pub when_full: Option<WhenFull>,
    pub replace_others: Option<bool>,
    pub on_password_change: Option<OnPasswordChange>,
    pub on_reuse: Option<OnReuse>,
    pub plain_predecessor: Option<PlainPredecessor>,
    pub check_url: Option<Box<str>>,
    pub check_failure: Option<CheckFailure>,
}

/// A contradiction or an impossible value, and the keys to mend.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PolicyFault {
    /// The keys that contradict each other.
    pub keys: Vec<&'static str>,
    /// What is wrong and how to mend it, in one sentence.
    pub message: String,
}

impl fmt::Display for PolicyFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
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

impl PolicyDraft {
    /// Fills in what is absent, and checks what is there.
    ///
    /// # Errors
    /// Every contradiction at once, each with the keys that cause it.
    pub fn build(self) -> Result<Policy, Vec<PolicyFault>> {
        let base = self.preset.map_or_else(Policy::defaults, Preset::policy);
        let mut faults = Vec::new();
        let sessions_per_user = match self.sessions_per_user {
            None => base.sessions_per_user,
            Some(cap) => NonZeroU32::new(cap).or_else(|| {
                faults.push(fault(&["sessions_per_user"], "`sessions_per_user` must be at least 1; leave it out for no cap"));
                None
            }),
        };
        let policy = Policy {
            access: self.access.unwrap_or(base.access),
            soft: self.soft.or(base.soft),
            idle: self.idle.unwrap_or(base.idle),
            lifetime: self.lifetime.unwrap_or(base.lifetime),
            sign_in_within: self.sign_in_within.or(base.sign_in_within),
            renew_every: self.renew_every.or(base.renew_every),
            prolong_with: self.prolong_with.unwrap_or(base.prolong_with),
            accept_expired: self.accept_expired.unwrap_or(base.accept_expired),
            require_access_token: self.require_access_token.unwrap_or(base.require_access_token),
            rotate: self.rotate.unwrap_or(base.rotate),
            grace: self.grace.unwrap_or(base.grace),
            min_rotation_interval: self.min_rotation_interval.unwrap_or(base.min_rotation_interval),
            activity: self.activity.unwrap_or(base.activity),
            soft_response: self.soft_response.unwrap_or(base.soft_response),
            supersede: self.supersede.unwrap_or(base.supersede),
            sessions_per_user,
            when_full: self.when_full.unwrap_or(base.when_full),
            replace_others: self.replace_others.unwrap_or(base.replace_others),
            on_password_change: self.on_password_change.unwrap_or(base.on_password_change),
            on_reuse: self.on_reuse.unwrap_or(base.on_reuse),
            plain_predecessor: self.plain_predecessor.unwrap_or(base.plain_predecessor),
            check_url: self.check_url.or(base.check_url),
            check_failure: self.check_failure.unwrap_or(base.check_failure),
        };
        policy.contradictions(&mut faults);
        if faults.is_empty() { Ok(policy) } else { Err(faults) }
    }
}

impl Policy {
    fn contradictions(&self, faults: &mut Vec<PolicyFault>) {
        let mut refuse = |wrong: bool, keys: &[&'static str], message: &str| {
            if wrong {
                faults.push(fault(keys, message));
            }
        };
        let second = Duration::from_secs(1);
        refuse(self.access < second, &["access"], "`access` must be at least 1s");
        refuse(self.soft.is_some_and(|soft| soft < second), &["soft"], "`soft` must be at least 1s");
        refuse(
            self.soft.is_some_and(|soft| soft >= self.access),
            &["soft", "access"],
            "`soft` must be shorter than `access`: it says when a still valid token is due for renewal",
        );
        refuse(
            Limit::After(self.access) > self.idle,
            &["access", "idle"],
            "`access` must not be longer than `idle`: an access token never outlives its session",
        );
        refuse(
            self.lifetime != Limit::Never && self.idle != Limit::Never && self.idle > self.lifetime,
            &["idle", "lifetime"],
            "`idle` must not be longer than `lifetime`",
        );
        refuse(
            Limit::After(self.access) > self.lifetime,
            &["access", "lifetime"],
            "`access` must not be longer than `lifetime`",
        );
        refuse(
            self.renew_every.is_some_and(|every| every < second),
            &["renew_every"],
            "`renew_every` must be at least 1s",
        );
        refuse(
            self.sign_in_within.is_some_and(|within| within < self.access),
            &["sign_in_within", "access"],
            "`sign_in_within` must not be shorter than `access`",
        );
        self.rotation_contradictions(&mut refuse);
        self.kind_contradictions(&mut refuse);
    }

    fn rotation_contradictions(&self, refuse: &mut impl FnMut(bool, &[&'static str], &str)) {
        let strict = self.grace.is_zero() && self.min_rotation_interval.is_zero();
        let slack = Duration::from_secs(15);
        refuse(
            !strict && self.grace.saturating_add(slack) > self.min_rotation_interval,
            &["grace", "min_rotation_interval"],
            "`min_rotation_interval` must be at least `grace` + 15s, or both 0 for strict rotation",
        );
        refuse(
            !strict && self.min_rotation_interval > self.access,
            &["min_rotation_interval", "access"],
            "`min_rotation_interval` must not be longer than `access`",
        );
    }

    fn kind_contradictions(&self, refuse: &mut impl FnMut(bool, &[&'static str], &str)) {
        let by_refresh_token = self.prolong_with == ProlongWith::RefreshToken;
        refuse(
            !by_refresh_token && self.lifetime == Limit::Never,
            &["prolong_with", "lifetime"],
            "`lifetime` must be finite unless `prolong_with` is \"refresh-token\": access tokens have no reuse detection",
        );
        refuse(
            by_refresh_token && !self.accept_expired.is_zero(),
            &["accept_expired", "prolong_with"],
            "`accept_expired` is for `prolong_with` = \"access-token\" or \"any-request\"",
        );
        refuse(
            !by_refresh_token && self.require_access_token,
            &["require_access_token", "prolong_with"],
            "`require_access_token` is for `prolong_with` = \"refresh-token\"",
        );
        refuse(
            self.supersede && self.prolong_with == ProlongWith::AnyRequest,
            &["supersede", "prolong_with"],
            "`supersede` does not go with `prolong_with` = \"any-request\": requests overlap",
        );
        refuse(
            self.supersede && !self.rotate,
            &["supersede", "rotate"],
            "`supersede` needs `rotate = true`",
        );
        refuse(
            self.soft_response == SoftResponse::Reject && self.soft.is_none(),
            &["soft_response", "soft"],
            "`soft_response = \"reject\"` needs `soft`",
        );
    }
}

fn fault(keys: &[&'static str], message: &str) -> PolicyFault {
    PolicyFault { keys: keys.to_vec(), message: message.to_owned() }
}

pub(crate) const fn minutes(n: u64) -> Duration {
    Duration::from_secs(n * 60)
}

pub(crate) const fn hours(n: u64) -> Duration {
    minutes(n * 60)
}

pub(crate) const fn days(n: u64) -> Duration {
    hours(n * 24)
}
