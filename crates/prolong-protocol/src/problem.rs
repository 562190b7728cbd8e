//! Problems (RFC 9457), and the closed lists behind them.

use serde::{Deserialize, Serialize};

/// Declares a closed list of words with their meaning.
macro_rules! words {
    ($(#[$doc:meta])* $name:ident { $($(#[$vdoc:meta])* $variant:ident = $word:literal),+ $(,)? }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        pub enum $name { $($(#[$vdoc])* #[serde(rename = $word)] $variant),+ }
        impl $name {
            /// Every member, in order of declaration.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];
            /// The word on the wire.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $word),+ }
            }
            /// The member of a word; `None` for an unknown one.
            #[must_use]
            pub fn parse(word: &str) -> Option<Self> {
                match word { $($word => Some(Self::$variant),)+ _ => None }
            }
        }
        // Derived, it would list the variants' names instead of the words.
        #[cfg(feature = "openapi")]
        impl utoipa::PartialSchema for $name {
            fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::Schema> {
                utoipa::openapi::ObjectBuilder::new()
                    .schema_type(utoipa::openapi::Type::String)
                    .enum_values(Some(Self::ALL.iter().map(|word| word.as_str())))
                    .into()
            }
        }
        #[cfg(feature = "openapi")]
        impl utoipa::ToSchema for $name {}
        impl core::fmt::Display for $name {
            fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
                f.write_str(self.as_str())
            }
        }
    };
}

words!(
    /// What a client should do next.
    Action {
        /// Send the same again, later.
        Retry = "retry",
        /// Get a new access token and repeat.
        Renew = "renew",
        /// Ask the person to prove who they are; the session goes on.
        Reauthenticate = "reauthenticate",
        /// Ask the person to sign in; the session is over.
        SignIn = "sign_in",
        /// Nothing helps by itself.
        None = "none",
    }
);

words!(
    /// Why a session ended or is over, or why a token is refused.
    Reason {
        /// The user signed out on this device.
        SignedOut = "signed_out",
        /// The user ended this session from another one, or signed out everywhere.
        SignedOutElsewhere = "signed_out_elsewhere",
        /// Nobody was active for the idle timeout.
        IdleTimeout = "idle_timeout",
        /// The absolute lifetime since sign-in has passed.
        LifetimeReached = "lifetime_reached",
        /// The user's last sign-in, on any device, is too long ago.
        SignInTooOld = "sign_in_too_old",
        /// The user must prove who they are again.
        ReauthRequired = "reauth_required",
        /// The password was changed.
        PasswordChanged = "password_changed",
        /// The user was disabled.
        UserDisabled = "user_disabled",
        /// An administrator ended the session.
        EndedByAdmin = "ended_by_admin",
        /// A spent refresh token was presented.
        ReuseDetected = "reuse_detected",
        /// The session cap made room for a newer session.
        Displaced = "displaced",
        /// The user's `jwt_version` was raised.
        VersionRaised = "version_raised",
        /// The user was deleted.
        UserDeleted = "user_deleted",
        /// The key that signed its tokens was declared unsafe.
        KeyDistrusted = "key_distrusted",
        /// A newer access token of the session is the good one.
        Superseded = "superseded",
    }
);

words!(
    /// What went wrong: the closed list of problem codes.
    Code {
        /// The access token's time is up; a new one will do. The thread's word for it.
        ExpiredToken = "EXPIRED_TOKEN",
        /// The token is no good; sign in. The thread's word for it.
        InvalidToken = "INVALID_TOKEN",
        /// No credentials came.
        MissingToken = "MISSING_TOKEN",
        /// The token lacks a scope.
        InsufficientScope = "INSUFFICIENT_SCOPE",
        /// The sign-in behind the token is too old or too weak for this (RFC 9470).
        InsufficientAuthentication = "INSUFFICIENT_AUTHENTICATION",
        /// Wrong user name or password, or an account that may not sign in: all look alike.
        InvalidCredentials = "INVALID_CREDENTIALS",
        /// The operator's own user table refused.
        SignInRefused = "SIGN_IN_REFUSED",
        /// The client is unknown, or did not prove itself.
        InvalidClient = "INVALID_CLIENT",
        /// The client may not do this.
        UnauthorizedClient = "UNAUTHORIZED_CLIENT",
        /// A cookie-authenticated call without its header, or from a foreign origin.
        CsrfRefused = "CSRF_REFUSED",
        /// The session's policy prolongs with the other kind of token.
        WrongCredential = "WRONG_CREDENTIAL",
        /// A late duplicate; newer tokens are in the client's storage.
        Superseded = "SUPERSEDED",
        /// The user's session cap is reached.
        TooManySessions = "TOO_MANY_SESSIONS",
        /// A field is missing or has an impossible value.
        InvalidRequest = "INVALID_REQUEST",
        /// The body, or a header, is not what its type says.
        MalformedBody = "MALFORMED_BODY",
        /// The body's media type is not the one that this call takes.
        UnsupportedMediaType = "UNSUPPORTED_MEDIA_TYPE",
        /// The body or a header is too large.
        TooLarge = "TOO_LARGE",
        /// There is no such thing, or not for this caller.
        NotFound = "NOT_FOUND",
        /// The path exists, the method does not.
        MethodNotAllowed = "METHOD_NOT_ALLOWED",
        /// It exists already, or changed meanwhile.
        Conflict = "CONFLICT",
        /// Too many requests, or too many failed sign-ins.
        TooManyRequests = "TOO_MANY_REQUESTS",
        /// The request took too long to arrive.
        RequestTimeout = "REQUEST_TIMEOUT",
        /// The authority cannot answer now; nothing was consumed.
        Unavailable = "UNAVAILABLE",
    }
);

impl Code {
    /// The HTTP status that goes with it.
    #[must_use]
    pub const fn status(self) -> u16 {
        match self {
            Self::ExpiredToken
            | Self::InvalidToken
            | Self::MissingToken
            | Self::InsufficientAuthentication
            | Self::InvalidCredentials
            | Self::InvalidClient => 401,
            Self::InsufficientScope
            | Self::SignInRefused
            | Self::UnauthorizedClient
            | Self::CsrfRefused
            | Self::WrongCredential => 403,
            Self::NotFound => 404,
            Self::MethodNotAllowed => 405,
            Self::RequestTimeout => 408,
            Self::Superseded | Self::TooManySessions | Self::Conflict => 409,
            Self::TooLarge => 413,
            Self::UnsupportedMediaType => 415,
            Self::InvalidRequest => 422,
            Self::MalformedBody => 400,
            Self::TooManyRequests => 429,
            Self::Unavailable => 503,
        }
    }

    /// What a client should do about it, where nothing more specific is known.
    #[must_use]
    pub const fn action(self) -> Action {
        match self {
            Self::ExpiredToken => Action::Renew,
            Self::InvalidToken | Self::MissingToken => Action::SignIn,
            Self::InsufficientAuthentication => Action::Reauthenticate,
            Self::Superseded | Self::TooManyRequests | Self::RequestTimeout | Self::Unavailable => {
                Action::Retry
            }
            _ => Action::None,
        }
    }

    /// `type` of its problem documents (RFC 9457 §3.1.1): where the authority of this issuer documents it.
    #[must_use]
    pub fn documented_at(self, issuer: &str) -> String {
        format!("{issuer}/docs/problems#{self}")
    }

    /// One short sentence for people.
    #[must_use]
    pub const fn title(self) -> &'static str {
        match self {
            Self::ExpiredToken => "The access token has expired",
            Self::InvalidToken => "The token is not valid",
            Self::MissingToken => "An access token is needed",
            Self::InsufficientScope => "The token lacks a scope",
            Self::InsufficientAuthentication => "A more recent sign-in is needed",
            Self::InvalidCredentials => "Wrong user name or password",
            Self::SignInRefused => "The sign-in was refused",
            Self::InvalidClient => "The client is unknown or did not prove itself",
            Self::UnauthorizedClient => "The client may not do this",
            Self::CsrfRefused => "The request did not come from an allowed page",
            Self::WrongCredential => "This session is prolonged with the other kind of token",
            Self::Superseded => "Newer tokens were already issued for this session",
            Self::TooManySessions => "The user has too many sessions",
            Self::InvalidRequest => "A field is missing or not valid",
            Self::MalformedBody => "The request could not be read",
            Self::UnsupportedMediaType => "The body has the wrong media type",
            Self::TooLarge => "The request is too large",
            Self::NotFound => "There is no such thing",
            Self::MethodNotAllowed => "This method is not allowed here",
            Self::Conflict => "It exists already, or changed meanwhile",
            Self::TooManyRequests => "Too many requests",
            Self::RequestTimeout => "The request took too long to arrive",
            Self::Unavailable => "The authority cannot answer now",
        }
    }
}

/// A problem document, `application/problem+json`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Problem {
    /// Where the code is documented: `{issuer}/docs/problems#{code}`.
    #[serde(rename = "type")]
    pub kind: String,
    /// One short sentence, the same for every problem of this code.
    pub title: String,
    /// The HTTP status.
    pub status: u16,
    /// What is wrong this time, naming the field; never a secret.
    pub detail: String,
    /// The code.
    pub code: Code,
    /// What to do next.
    pub action: Action,
    /// Why a session is over, where that is known and may be told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<Reason>,
    /// The path of the request.
    pub instance: String,
}
