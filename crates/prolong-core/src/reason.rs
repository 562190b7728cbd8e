//! Why a session is over, and what its client should do about it.

/// Why a session ended or is over. A closed list: each has a word on the wire and a number in the store.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum EndReason {
    /// The user signed out on this device.
    SignedOut = 1,
    /// The user ended this session from another one, or signed out everywhere.
    SignedOutElsewhere = 2,
    /// Nobody was active for the idle timeout.
    IdleTimeout = 3,
    /// The absolute lifetime since sign-in has passed.
    LifetimeReached = 4,
    /// The user's last sign-in, on any device, is too long ago.
    SignInTooOld = 5,
    /// The user must prove who they are again.
    ReauthRequired = 6,
    /// The password was changed, and the policy ends this session for it.
    PasswordChanged = 7,
    /// The user was disabled (banned).
    UserDisabled = 8,
    /// An administrator ended this session.
    EndedByAdmin = 9,
    /// A spent refresh token was presented: one of its two holders stole it.
    ReuseDetected = 10,
    /// The session cap made room for a newer one.
    Displaced = 11,
    /// The user's `jwt_version` was raised: every older session is refused.
    VersionRaised = 12,
    /// The user was deleted.
    UserDeleted = 13,
    /// The key that signed its tokens was declared unsafe.
    KeyDistrusted = 14,
}

impl EndReason {
    /// Every reason, in the order of their numbers.
    pub const ALL: [Self; 14] = [
        Self::SignedOut,
        Self::SignedOutElsewhere,
        Self::IdleTimeout,
        Self::LifetimeReached,
        Self::SignInTooOld,
        Self::ReauthRequired,
        Self::PasswordChanged,
        Self::UserDisabled,
        Self::EndedByAdmin,
        Self::ReuseDetected,
        Self::Displaced,
        Self::VersionRaised,
        Self::UserDeleted,
        Self::KeyDistrusted,
    ];

    /// The word on the wire, in logs and in metrics.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::SignedOut => "signed_out",
            Self::SignedOutElsewhere => "signed_out_elsewhere",
            Self::IdleTimeout => "idle_timeout",
            Self::LifetimeReached => "lifetime_reached",
            Self::SignInTooOld => "sign_in_too_old",
            Self::ReauthRequired => "reauth_required",
            Self::PasswordChanged => "password_changed",
            Self::UserDisabled => "user_disabled",
            Self::EndedByAdmin => "ended_by_admin",
            Self::ReuseDetected => "reuse_detected",
            Self::Displaced => "displaced",
            Self::VersionRaised => "version_raised",
            Self::UserDeleted => "user_deleted",
            Self::KeyDistrusted => "key_distrusted",
        }
    }

    /// The number in the store; never reused.
    #[must_use]
    pub const fn number(self) -> u8 {
        self as u8
    }

    /// The reason of a stored number; `None` for a number this version does not know.
    #[must_use]
    pub fn from_number(number: u8) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|reason| reason.number() == number)
    }

    /// What a client should do about it.
    #[must_use]
    pub const fn action(self) -> Action {
        match self {
            Self::ReauthRequired | Self::SignInTooOld => Action::Reauthenticate,
            _ => Action::SignIn,
        }
    }
}

/// What a client should do next.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Action {
    /// Send the same again, later.
    Retry,
    /// Get a new access token and repeat.
    Renew,
    /// Ask the person to prove who they are; the session goes on.
    Reauthenticate,
    /// Ask the person to sign in; the session is over.
    SignIn,
    /// Nothing helps by itself.
    None,
}

impl Action {
    /// The word on the wire.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Retry => "retry",
            Self::Renew => "renew",
            Self::Reauthenticate => "reauthenticate",
            Self::SignIn => "sign_in",
            Self::None => "none",
        }
    }
}
