//! OAuth errors (RFC 6749 §5.2), with `reason` and `action` only where the state machine allows them.

use axum::response::{IntoResponse, Response};
use http::{HeaderValue, StatusCode, header};
use prolong_core::{EndReason, Refusal};
use prolong_protocol::problem::{Action, Code, Reason};
use prolong_protocol::token::OAuthError;

use crate::authority::NotProlonged;
use crate::http::problem::Failure;

/// An OAuth error, not yet on the wire.
#[derive(Debug)]
pub(crate) struct OAuthFailure {
    status: StatusCode,
    body: OAuthError,
    retry_after: Option<u64>,
    challenge: Option<Box<str>>,
    cause: Option<String>,
}

impl OAuthFailure {
    /// A registered error, status 400.
    pub(crate) fn new(error: &str, description: impl AsRef<str>) -> Self {
        let body = OAuthError {
            error: error.to_owned(),
            error_description: Some(plain(description.as_ref())),
            reason: None,
            action: None,
        };
        Self {
            status: StatusCode::BAD_REQUEST,
            body,
            retry_after: None,
            challenge: None,
            cause: None,
        }
    }

    pub(crate) fn invalid_request(description: impl AsRef<str>) -> Self {
        Self::new("invalid_request", description)
    }

    /// A wrong client and a wrong secret look alike. Challenged in either case: a 401 must be (RFC 9110 §15.5.2).
    pub(crate) fn invalid_client() -> Self {
        Self {
            status: StatusCode::UNAUTHORIZED,
            challenge: Some("Basic realm=\"prolong\"".into()),
            ..Self::new("invalid_client", "client authentication failed")
        }
    }

    /// What everybody hears whose refresh token is no good: no reason, no action.
    pub(crate) fn invalid_grant() -> Self {
        Self::new("invalid_grant", "the refresh token is not valid")
    }

    /// A bearer token that fails, as RFC 6750 has it, in the words and the shape of this endpoint.
    pub(crate) fn bearer(failure: Failure) -> Self {
        let mut ours = Self::new(
            failure.bearer_error().unwrap_or("invalid_request"),
            &failure.detail,
        );
        ours.status = status(failure.code);
        ours.body.reason = failure.reason;
        ours.body.action = Some(failure.action_or_usual());
        ours.challenge = Some(failure.challenge_value().into());
        ours.cause = failure.cause;
        ours
    }

    fn over(reason: EndReason) -> Self {
        let mut failure = Self::invalid_grant();
        failure.body.reason = Reason::parse(reason.as_str());
        failure.body.action = Action::parse(reason.action().as_str());
        failure
    }

    fn later(status: StatusCode, seconds: u64) -> Self {
        let mut failure = Self::new(
            "temporarily_unavailable",
            "try the same again, a little later",
        );
        failure.status = status;
        failure.retry_after = Some(seconds);
        failure.body.action = Some(Action::Retry);
        failure
    }
}

impl From<Refusal> for OAuthFailure {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::Over {
                reason,
                disclose: true,
            } => Self::over(reason),
            Refusal::Reuse => Self::over(EndReason::ReuseDetected),
            Refusal::AccessTokenMissing => Self::invalid_request(
                "the policy wants the access token along, in the parameter access_token",
            ),
            Refusal::Superseded => {
                let mut failure = Self::new(
                    "invalid_grant",
                    "newer tokens were already issued: read your storage again",
                );
                failure.status = StatusCode::CONFLICT;
                failure.body.action = Some(Action::Retry);
                failure
            }
            Refusal::TooManyConcurrent => Self::later(StatusCode::TOO_MANY_REQUESTS, 10),
            Refusal::TooFarAhead => Self::later(StatusCode::SERVICE_UNAVAILABLE, 30),
            Refusal::WrongCredential => Self::new(
                "unauthorized_client",
                "this session is prolonged with its access token",
            ),
            Refusal::ForeignClient
            | Refusal::KeyLeak
            | Refusal::Over { .. }
            | Refusal::SpentToken
            | Refusal::AccessTokenForeign
            | Refusal::AccessTokenTooOld
            | Refusal::AccessTokenSuperseded
            | Refusal::NotDue => Self::invalid_grant(),
        }
    }
}

impl From<NotProlonged> for OAuthFailure {
    fn from(not: NotProlonged) -> Self {
        match not {
            NotProlonged::Refused(refusal) => refusal.into(),
            NotProlonged::UserTable(reason) => Self::over(reason),
            NotProlonged::InvalidScope => Self::new(
                "invalid_scope",
                "a requested scope is beyond what was granted",
            ),
            NotProlonged::Failed(failure) => failure.into(),
        }
    }
}

impl From<Failure> for OAuthFailure {
    fn from(failure: Failure) -> Self {
        let mut ours = match failure.code {
            Code::Unavailable => Self::later(
                StatusCode::SERVICE_UNAVAILABLE,
                failure.retry_after.unwrap_or(1),
            ),
            Code::TooManyRequests => Self::later(
                StatusCode::TOO_MANY_REQUESTS,
                failure.retry_after.unwrap_or(1),
            ),
            _ => Self::invalid_request(&failure.detail),
        };
        if matches!(failure.code, Code::TooLarge | Code::CsrfRefused) {
            ours.status = status(failure.code);
        }
        if failure.code == Code::CsrfRefused {
            ours.challenge = Some(failure.challenge_value().into());
        }
        ours.cause = failure.cause;
        ours
    }
}

impl IntoResponse for OAuthFailure {
    fn into_response(self) -> Response {
        if let Some(cause) = &self.cause {
            tracing::error!(status = self.status.as_u16(), cause, "token request failed");
        }
        let mut response = (self.status, axum::Json(self.body)).into_response();
        let headers = response.headers_mut();
        if let Some(challenge) = self.challenge.and_then(|text| text.parse().ok()) {
            headers.insert(header::WWW_AUTHENTICATE, challenge);
        }
        if let Some(seconds) = self.retry_after {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        no_store(response)
    }
}

fn status(code: Code) -> StatusCode {
    StatusCode::from_u16(code.status()).unwrap_or(StatusCode::BAD_REQUEST)
}

/// Tokens and errors about them are kept by nobody (RFC 6749 §5.1).
pub(crate) fn no_store(mut response: Response) -> Response {
    let headers = response.headers_mut();
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(header::PRAGMA, HeaderValue::from_static("no-cache"));
    response
}

/// `%x20-21 / %x23-5B / %x5D-7E` (RFC 6749 §5.2).
fn plain(text: &str) -> String {
    let allowed = |c: char| {
        if matches!(c, ' '..='~') && c != '"' && c != '\\' {
            c
        } else {
            '\''
        }
    };
    text.chars().map(allowed).collect()
}
