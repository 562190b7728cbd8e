//! A refusal as an HTTP answer: problem document and challenge.

use std::fmt::Write as _;

use http::{
    HeaderValue, Response, StatusCode,
    header::{CACHE_CONTROL, CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE},
};
use prolong_protocol::problem::{Action, Code, Problem, Reason};

use crate::{rejection::Rejection, requirement::Requirement};

/// Seconds; the feed beats every second.
const RETRY_AFTER_SECONDS: HeaderValue = HeaderValue::from_static("2");

/// Why a request was not served.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Refusal {
    /// No bearer credentials came.
    NoCredentials,
    /// The credentials have the wrong form.
    Malformed(&'static str),
    /// The token was refused.
    Token(Rejection),
    /// Feed or keys are too old to tell.
    Undecidable,
}

impl Refusal {
    pub(super) fn response<R: From<String>>(
        self,
        requirement: &Requirement,
        issuer: &str,
        path: &str,
    ) -> Response<R> {
        let code = self.code();
        let status = self.status();
        let problem = Problem {
            kind: code.documented_at(issuer),
            title: code.title().to_owned(),
            status: status.as_u16(),
            detail: self.detail(),
            code,
            action: self.action(),
            reason: self.reason(),
            instance: path.to_owned(),
        };
        let mut response =
            Response::new(serde_json::to_string(&problem).unwrap_or_default().into());
        *response.status_mut() = status;
        let headers = response.headers_mut();
        headers.insert(
            CONTENT_TYPE,
            HeaderValue::from_static("application/problem+json"),
        );
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        if self == Self::Undecidable {
            headers.insert(RETRY_AFTER, RETRY_AFTER_SECONDS);
        } else if let Ok(challenge) = HeaderValue::try_from(self.challenge(requirement)) {
            headers.insert(WWW_AUTHENTICATE, challenge);
        }
        response
    }

    /// RFC 6750 §3.1: 400 for a malformed request, whatever the code.
    fn status(self) -> StatusCode {
        match self {
            Self::Malformed(_) => StatusCode::BAD_REQUEST,
            _ => StatusCode::from_u16(self.code().status()).unwrap_or(StatusCode::UNAUTHORIZED),
        }
    }

    const fn code(self) -> Code {
        match self {
            Self::NoCredentials => Code::MissingToken,
            Self::Malformed(_) => Code::InvalidRequest,
            // No single token can be that long: to a client of an API it is simply not a token.
            Self::Token(Rejection::TooLarge) => Code::InvalidToken,
            Self::Token(rejection) => rejection.code(),
            Self::Undecidable => Code::Unavailable,
        }
    }

    const fn action(self) -> Action {
        match self {
            Self::Token(rejection) if !matches!(rejection, Rejection::TooLarge) => {
                rejection.action()
            }
            _ => self.code().action(),
        }
    }

    const fn reason(self) -> Option<Reason> {
        match self {
            Self::Token(rejection) => rejection.reason(),
            _ => None,
        }
    }

    fn detail(self) -> String {
        match self {
            Self::NoCredentials => "send `Authorization: Bearer` with an access token".to_owned(),
            Self::Malformed(what) => what.to_owned(),
            Self::Token(rejection) => rejection.to_string(),
            Self::Undecidable => "it cannot be told just now whether the token is good".to_owned(),
        }
    }

    /// RFC 6750 §3, RFC 9470 §3; without credentials there is no `error`.
    fn challenge(self, requirement: &Requirement) -> String {
        let mut parameters = Parameters::default();
        let error = match self.code() {
            Code::MissingToken => None,
            Code::InvalidRequest => Some("invalid_request"),
            Code::InsufficientScope => Some("insufficient_scope"),
            Code::InsufficientAuthentication => Some("insufficient_user_authentication"),
            _ => Some("invalid_token"),
        };
        if let Some(error) = error {
            parameters.add("error", error);
            parameters.add("error_description", &self.detail().replace('`', "'"));
        }
        match self.code() {
            Code::InsufficientScope if !requirement.scopes.is_empty() => {
                parameters.add("scope", &requirement.scopes.join(" "));
            }
            Code::InsufficientAuthentication => {
                if let Some(seconds) = requirement.max_age {
                    parameters.add("max_age", &seconds.to_string());
                }
                if !requirement.acr_values.is_empty() {
                    parameters.add("acr_values", &requirement.acr_values.join(" "));
                }
            }
            _ => {}
        }
        parameters.add("code", self.code().as_str());
        parameters.add("action", self.action().as_str());
        if let Some(reason) = self.reason() {
            parameters.add("reason", reason.as_str());
        }
        parameters.0
    }
}

/// `Bearer name="value", …`. What a quoted string cannot hold (RFC 9110 §5.6.4) is escaped or left out.
#[derive(Default)]
struct Parameters(String);

impl Parameters {
    fn add(&mut self, name: &str, value: &str) {
        let before = if self.0.is_empty() { "Bearer " } else { ", " };
        let _ = write!(self.0, "{before}{name}=\"");
        for character in value.chars().filter(|c| matches!(c, ' '..='~')) {
            if matches!(character, '"' | '\\') {
                self.0.push('\\');
            }
            self.0.push(character);
        }
        self.0.push('"');
    }
}
