//! `[policies.NAME]`: a preset, and what differs from it.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::http::Uri;
use prolong_core::{
    Activity, CheckFailure, OnPasswordChange, OnReuse, PlainPredecessor, Policy, PolicyDraft,
    Preset, ProlongWith, SoftResponse, WhenFull,
};

use super::section::Section;

/// Every policy that can be built.
pub(super) fn read(root: &mut Section) -> BTreeMap<String, Arc<Policy>> {
    let mut policies = BTreeMap::new();
    for (name, mut section) in root.named("policies") {
        let draft = draft(&mut section);
        // Else the preset's limits would be gone without a word.
        if Preset::parse(&name).is_some_and(|namesake| draft.preset != Some(namesake))
            && !section.has_fault("preset")
        {
            section.fault(
                "preset",
                &format!(
                    "must be \"{name}\", since a preset has that name: or choose another name"
                ),
            );
        }
        match draft.build() {
            Ok(policy) => {
                policies.insert(name, Arc::new(policy));
            }
            Err(faults) => {
                for fault in faults {
                    let first = fault.keys.first().copied().unwrap_or_default();
                    section.fault(first, &fault.message);
                }
                // Stands in, so that clients that name it are not faults too.
                policies.insert(name, Arc::new(Policy::defaults()));
            }
        }
        section.finish();
    }
    policies
}

/// A policy of the configuration, a preset, or `default`.
pub(super) fn named(policies: &BTreeMap<String, Arc<Policy>>, name: &str) -> Option<Arc<Policy>> {
    let preset = || Preset::parse(name).map(|preset| Arc::new(preset.policy()));
    let default = || (name == "default").then(|| Arc::new(Policy::defaults()));
    policies.get(name).cloned().or_else(preset).or_else(default)
}

/// What can be named, for hints.
pub(super) fn names(policies: &BTreeMap<String, Arc<Policy>>) -> Vec<&str> {
    policies
        .keys()
        .map(String::as_str)
        .chain(Preset::ALL.iter().map(|preset| preset.as_str()))
        .collect()
}

fn draft(at: &mut Section) -> PolicyDraft {
    let presets: Vec<&str> = Preset::ALL.iter().map(|preset| preset.as_str()).collect();
    let check_url = at.string("check_url").filter(|url| {
        let uri: Option<Uri> = url.parse().ok();
        let good = uri.is_some_and(|uri| {
            matches!(uri.scheme_str(), Some("https" | "http"))
                && uri.host().is_some_and(|host| !host.is_empty())
        });
        if !good {
            at.fault("check_url", "must be an http:// or https:// address");
        }
        good
    });
    PolicyDraft {
        preset: at.word("preset", Preset::parse, &presets),
        access: at.duration("access"),
        soft: at.duration("soft"),
        idle: at.limit("idle"),
        lifetime: at.limit("lifetime"),
        sign_in_within: at.duration("sign_in_within"),
        renew_every: at.duration("renew_every"),
        prolong_with: at.word("prolong_with", ProlongWith::parse, ProlongWith::WORDS),
        accept_expired: at.duration("accept_expired"),
        require_access_token: at.bool("require_access_token"),
        rotate: at.bool("rotate"),
        grace: at.duration("grace"),
        min_rotation_interval: at.duration("min_rotation_interval"),
        activity: at.word("activity", Activity::parse, Activity::WORDS),
        soft_response: at.word("soft_response", SoftResponse::parse, SoftResponse::WORDS),
        supersede: at.bool("supersede"),
        sessions_per_user: at.count("sessions_per_user", 1..=1_000_000),
        when_full: at.word("when_full", WhenFull::parse, WhenFull::WORDS),
        replace_others: at.bool("replace_others"),
        on_password_change: at.word(
            "on_password_change",
            OnPasswordChange::parse,
            OnPasswordChange::WORDS,
        ),
        on_reuse: at.word("on_reuse", OnReuse::parse, OnReuse::WORDS),
        plain_predecessor: at.word(
            "plain_predecessor",
            PlainPredecessor::parse,
            PlainPredecessor::WORDS,
        ),
        check_url: check_url.map(Into::into),
        check_failure: at.word("check_failure", CheckFailure::parse, CheckFailure::WORDS),
    }
}
