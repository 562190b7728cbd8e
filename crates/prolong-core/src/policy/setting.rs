//! The settings of a policy that are words.

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
