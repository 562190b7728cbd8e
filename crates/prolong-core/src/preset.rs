//! The presets: each situation of `docs/guide/strategies.md`, and NIST's three levels, as a policy.

use crate::policy::{days, hours, minutes};
use crate::{Activity, Limit, OnPasswordChange, Policy, ProlongWith, SoftResponse};

/// A named policy.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Preset {
    /// A token of one week, renewed on open and hourly by presenting itself.
    WeeklySliding,
    /// A refresh token that never expires, named after the device, ended by events.
    Device,
    /// 15-minute tokens that are refreshed after they expired, unless the user must reauthenticate.
    Gatekeeper,
    /// A 30-minute session that a timer renews, as far as the person was active.
    Timer,
    /// Last access seen by forward-auth; no refresh endpoint.
    LastAccess,
    /// Rotating refresh tokens, finite.
    Refresh,
    /// A short and a long token, both needed.
    Pair,
    /// `jwt_version` on the user.
    Versioned,
    /// `softexp` inside `exp`.
    SoftExpiry,
    /// NIST SP 800-63B-4, authenticator assurance level 1.
    Aal1,
    /// The same, level 2.
    Aal2,
    /// The same, level 3.
    Aal3,
}

impl Preset {
    /// Every preset.
    pub const ALL: [Self; 12] = [
        Self::WeeklySliding,
        Self::Device,
        Self::Gatekeeper,
        Self::Timer,
        Self::LastAccess,
        Self::Refresh,
        Self::Pair,
        Self::Versioned,
        Self::SoftExpiry,
        Self::Aal1,
        Self::Aal2,
        Self::Aal3,
    ];

    /// Its name in a configuration.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::WeeklySliding => "weekly-sliding",
            Self::Device => "device",
            Self::Gatekeeper => "gatekeeper",
            Self::Timer => "timer",
            Self::LastAccess => "last-access",
            Self::Refresh => "refresh",
            Self::Pair => "pair",
            Self::Versioned => "versioned",
            Self::SoftExpiry => "soft-expiry",
            Self::Aal1 => "aal1",
            Self::Aal2 => "aal2",
            Self::Aal3 => "aal3",
        }
    }

    /// The preset of a name.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|preset| preset.as_str() == name)
    }

    /// What it means.
    #[must_use]
    pub fn policy(self) -> Policy {
        let base = Policy::defaults();
        let renewal = Policy {
            activity: Activity::Renewal,
            ..base.clone()
        };
        let after = Limit::After;
        match self {
            Self::WeeklySliding => Policy {
                prolong_with: ProlongWith::AccessToken,
                access: days(7),
                idle: after(days(7)),
                lifetime: after(days(90)),
                renew_every: Some(hours(1)),
                ..renewal
            },
            Self::Device => Policy {
                idle: Limit::Never,
                lifetime: Limit::Never,
                on_password_change: OnPasswordChange::EndAll,
                ..renewal
            },
            Self::Gatekeeper => Policy {
                prolong_with: ProlongWith::AccessToken,
                idle: after(hours(72)),
                accept_expired: hours(72),
                sign_in_within: Some(hours(72)),
                ..renewal
            },
            Self::Timer => Policy {
                prolong_with: ProlongWith::AccessToken,
                access: minutes(30),
                idle: after(minutes(30)),
                lifetime: after(hours(12)),
                ..base
            },
            Self::LastAccess => Policy {
                prolong_with: ProlongWith::AnyRequest,
                idle: after(minutes(30)),
                lifetime: after(hours(12)),
                activity: Activity::Request,
                accept_expired: minutes(30),
                ..base
            },
            Self::Refresh | Self::Versioned => renewal,
            Self::Pair => Policy {
                access: minutes(5),
                lifetime: after(days(90)),
                require_access_token: true,
                ..renewal
            },
            Self::SoftExpiry => Policy {
                prolong_with: ProlongWith::AccessToken,
                access: minutes(30),
                soft: Some(minutes(5)),
                idle: after(minutes(30)),
                lifetime: after(hours(12)),
                soft_response: SoftResponse::Reject,
                ..renewal
            },
            Self::Aal1 => Policy {
                idle: Limit::Never,
                lifetime: after(days(30)),
                ..base
            },
            Self::Aal2 => Policy {
                idle: after(hours(1)),
                lifetime: after(hours(24)),
                ..base
            },
            Self::Aal3 => Policy {
                access: minutes(5),
                idle: after(minutes(15)),
                lifetime: after(hours(12)),
                ..base
            },
        }
    }
}
