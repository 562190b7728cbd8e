//! Problems on the wire: RFC 9457 bodies, RFC 6750 challenges.

use axum::body::Body;
use axum::response::{IntoResponse, Response};
use http::{HeaderName, HeaderValue, StatusCode, header};
use prolong_protocol::problem::{Action, Code, Problem, Reason};

/// A problem, not yet on the wire. `cause` is for the log: written once, where the problem is rendered.
#[derive(Debug)]
pub struct Failure {
    /// The code; it brings status, title and usual action.
    pub code: Code,
    /// What is wrong this time, naming the field; never a secret.
    pub detail: String,
    /// A more specific action than the code's.
    pub action: Option<Action>,
    /// Why a session is over.
    pub reason: Option<Reason>,
    /// Seconds for `Retry-After`.
    pub retry_after: Option<u64>,
    /// Further auth-params of the challenge (`scope`, `max_age`, `acr_values`).
    pub challenge: Vec<(&'static str, String)>,
    /// It concerns the bearer credentials although it is neither 401 nor 403, so it carries a challenge all the same.
    pub of_credentials: bool,
    /// Private: why, for the log.
    pub cause: Option<String>,
}

impl Failure {
    /// A failure of this code.
    pub fn new(code: Code, detail: impl Into<String>) -> Self {
        Self {
            code,
            detail: detail.into(),
            action: None,
            reason: None,
            retry_after: None,
            challenge: Vec::new(),
            of_credentials: false,
            cause: None,
        }
    }

    /// With this reason, and the action that it brings.
    #[must_use]
    pub fn because(mut self, reason: prolong_core::EndReason) -> Self {
        self.reason = Reason::parse(reason.as_str());
        self.action = Action::parse(reason.action().as_str());
        self
    }

    /// With this action.
    #[must_use]
    pub fn action(mut self, action: Action) -> Self {
        self.action = Some(action);
        self
    }

    /// With a private cause, for the log.
    #[must_use]
    pub fn cause(mut self, cause: impl core::fmt::Display) -> Self {
        self.cause = Some(cause.to_string());
        self
    }

    /// Nothing was consumed; try again in a second.
    pub fn unavailable(cause: impl core::fmt::Display) -> Self {
        let mut failure = Self::new(
            Code::Unavailable,
            "the authority cannot answer now; try again",
        )
        .cause(cause);
        failure.retry_after = Some(1);
        failure
    }

    /// The error of RFC 6750 §3.1 and RFC 9470 §3; none where no credentials came.
    pub(crate) fn bearer_error(&self) -> Option<&'static str> {
        match self.code {
            Code::MissingToken => None,
            Code::InsufficientScope => Some("insufficient_scope"),
            Code::InsufficientAuthentication => Some("insufficient_user_authentication"),
            Code::InvalidRequest | Code::MalformedBody | Code::CsrfRefused => {
                Some("invalid_request")
            }
            _ => Some("invalid_token"),
        }
    }

    /// The RFC 6750 challenge. There is always a parameter (§3).
    pub(crate) fn challenge_value(&self) -> String {
        let mut params = vec!["realm=\"prolong\"".to_owned()];
        if let Some(error) = self.bearer_error() {
            params.push(format!("error=\"{error}\""));
            params.push(format!("error_description=\"{}\"", plain(&self.detail)));
        }
        params.push(format!("code=\"{}\"", self.code));
        params.push(format!("action=\"{}\"", self.action_or_usual()));
        if let Some(reason) = self.reason {
            params.push(format!("reason=\"{reason}\""));
        }
        params.extend(
            self.challenge
                .iter()
                .map(|(name, value)| format!("{name}=\"{}\"", plain(value))),
        );
        format!("Bearer {}", params.join(", "))
    }

    pub(crate) fn action_or_usual(&self) -> Action {
        self.action.unwrap_or_else(|| self.code.action())
    }
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        if let Some(cause) = &self.cause {
            if self.code == Code::Unavailable {
                tracing::error!(code = self.code.as_str(), cause, "request failed");
            } else {
                tracing::debug!(code = self.code.as_str(), cause, "request refused");
            }
        }
        let status =
            StatusCode::from_u16(self.code.status()).unwrap_or(StatusCode::SERVICE_UNAVAILABLE);
        let problem = Problem {
            kind: self.code.documented_at(""),
            title: self.code.title().to_owned(),
            status: status.as_u16(),
            detail: self.detail.clone(),
            code: self.code,
            action: self.action_or_usual(),
            reason: self.reason,
            instance: String::new(),
        };
        let body = serde_json::to_vec(&problem).unwrap_or_default();
        let mut response = (status, body).into_response();
        response.extensions_mut().insert(Told(problem));
        let headers = response.headers_mut();
        headers.insert(
            header::CONTENT_TYPE,
            HeaderValue::from_static("application/problem+json"),
        );
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        let of_credentials = matches!(status, StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN)
            || self.of_credentials;
        if of_credentials {
            set(headers, header::WWW_AUTHENTICATE, &self.challenge_value());
        }
        if let Some(seconds) = self.retry_after {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        response
    }
}

/// The problem that an answer tells, until it is known which request it answers.
#[derive(Clone)]
struct Told(Problem);

/// `instance` is the path alone: a query may hold what nobody should repeat.
pub(crate) fn located(mut response: Response, issuer: &str, path: &str) -> Response {
    let Some(Told(mut problem)) = response.extensions_mut().remove::<Told>() else {
        return response;
    };
    problem.kind = problem.code.documented_at(issuer);
    path.clone_into(&mut problem.instance);
    let (mut parts, _) = response.into_parts();
    parts.headers.remove(header::CONTENT_LENGTH);
    Response::from_parts(
        parts,
        Body::from(serde_json::to_vec(&problem).unwrap_or_default()),
    )
}

fn set(headers: &mut http::HeaderMap, name: HeaderName, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        headers.insert(name, value);
    }
}

/// Quoted-string content: printable ASCII without quotes and backslashes.
fn plain(text: &str) -> String {
    text.chars()
        .map(|c| match c {
            '"' | '\\' => '\'',
            ' '..='~' => c,
            _ => '?',
        })
        .collect()
}
