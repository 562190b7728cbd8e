//! What a policy may not say at once.

use core::time::Duration;

use super::draft::{PolicyFault, fault};
use crate::{Limit, Policy, ProlongWith, SoftResponse};

impl Policy {
    pub(super) fn contradictions(&self, faults: &mut Vec<PolicyFault>) {
        let mut refuse = |wrong: bool, keys: &[&'static str], message: &str| {
            if wrong {
                faults.push(fault(keys, message));
            }
        };
        let second = Duration::from_secs(1);
        refuse(
            self.access < second,
            &["access"],
            "`access` must be at least 1s",
        );
        refuse(
            self.soft.is_some_and(|soft| soft < second),
            &["soft"],
            "`soft` must be at least 1s",
        );
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
            self.sign_in_within
                .is_some_and(|within| within < self.access),
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
