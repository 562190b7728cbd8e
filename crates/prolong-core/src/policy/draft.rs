//! A policy as written, and how it becomes one as meant.

use core::fmt;
use core::num::NonZeroU32;
use core::time::Duration;

use crate::{
    Activity, CheckFailure, Limit, OnPasswordChange, OnReuse, PlainPredecessor, Policy, Preset,
    ProlongWith, SoftResponse, WhenFull,
};

/// A policy as written: what is absent takes the preset's value, or the default.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
#[expect(
    missing_docs,
    reason = "each field is the field of the same name in Policy"
)]
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
                faults.push(fault(
                    &["sessions_per_user"],
                    "`sessions_per_user` must be at least 1; leave it out for no cap",
                ));
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
            require_access_token: self
                .require_access_token
                .unwrap_or(base.require_access_token),
            rotate: self.rotate.unwrap_or(base.rotate),
            grace: self.grace.unwrap_or(base.grace),
            min_rotation_interval: self
                .min_rotation_interval
                .unwrap_or(base.min_rotation_interval),
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
        if faults.is_empty() {
            Ok(policy)
        } else {
            Err(faults)
        }
    }
}

pub(super) fn fault(keys: &[&'static str], message: &str) -> PolicyFault {
    PolicyFault {
        keys: keys.to_vec(),
        message: message.to_owned(),
    }
}
