//! The extractor [`Session`] for axum handlers behind an [`crate::AccessLayer`].

use std::{convert::Infallible, ops::Deref};

use axum::{
    extract::{FromRequestParts, OptionalFromRequestParts},
    response::{IntoResponse, Response},
};
use http::{StatusCode, request::Parts};

use crate::claims::Claims;

/// Who calls: the verified claims of the request's access token.
///
/// `Option<Session>` is for routes behind an [`crate::AccessLayer::optional`] layer.
#[derive(Clone, Debug)]
pub struct Session(Claims);

impl Session {
    /// The claims themselves.
    #[must_use]
    pub fn into_claims(self) -> Claims {
        self.0
    }
}

impl Deref for Session {
    type Target = Claims;

    fn deref(&self) -> &Claims {
        &self.0
    }
}

/// The route has no layer, or only an optional one: a fault of the service, not of the caller.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NoLayer;

impl IntoResponse for NoLayer {
    fn into_response(self) -> Response {
        let detail = "this route takes a Session but is not behind Prolong's layer";
        (StatusCode::INTERNAL_SERVER_ERROR, detail).into_response()
    }
}

impl<S: Sync> FromRequestParts<S> for Session {
    type Rejection = NoLayer;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, NoLayer> {
        parts.extensions.get().cloned().map(Self).ok_or(NoLayer)
    }
}

impl<S: Sync> OptionalFromRequestParts<S> for Session {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Option<Self>, Infallible> {
        Ok(parts.extensions.get().cloned().map(Self))
    }
}
