//! Calls over the router, each answer compared with what the reference says of it.

use axum::body::Body;
use http::{HeaderMap, Request, StatusCode};
use http_body_util::BodyExt;
use serde_json::Value;
use tower::ServiceExt;

use super::World;
use crate::http::docs::answers;

pub(crate) const FORM: (&str, &str) = ("content-type", "application/x-www-form-urlencoded");

pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Value,
}

impl Answer {
    /// The status and the problem's code.
    pub(crate) fn code(&self) -> (u16, &str) {
        (self.status.as_u16(), self.text("code"))
    }

    pub(crate) fn text(&self, member: &str) -> &str {
        self.body[member].as_str().unwrap_or_default()
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers
            .get(name)
            .map_or("", |value| value.to_str().unwrap())
    }
}

impl World {
    pub(crate) async fn send(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &str,
    ) -> Answer {
        let mut request = Request::builder().method(method).uri(path);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let response = self
            .router
            .clone()
            .oneshot(request.body(Body::from(body.to_owned())).unwrap())
            .await
            .unwrap();
        let (parts, body) = response.into_parts();
        let bytes = body.collect().await.unwrap().to_bytes();
        let body = serde_json::from_slice(&bytes).unwrap_or(Value::Null);
        let kind = parts.headers.get("content-type");
        let kind = kind.map_or("", |kind| kind.to_str().unwrap());
        let base = &self.authority.settings.base_path;
        if let Some(below) = path.strip_prefix(base.as_str()) {
            answers::compare(method, below, parts.status, kind, &body);
        }
        Answer {
            status: parts.status,
            headers: parts.headers,
            body,
        }
    }

    /// A page or a file, as text.
    pub(crate) async fn page(&self, path: &str) -> String {
        let request = Request::get(path).body(Body::empty()).unwrap();
        let response = self.router.clone().oneshot(request).await.unwrap();
        assert_eq!(response.status(), StatusCode::OK, "{path}");
        let bytes = response.into_body().collect().await.unwrap().to_bytes();
        String::from_utf8(bytes.to_vec()).unwrap()
    }

    pub(crate) async fn form(&self, path: &str, body: &str) -> Answer {
        self.send("POST", path, &[FORM], body).await
    }

    /// A call with this bearer token, if any; a body, if any, is JSON.
    pub(crate) async fn call(
        &self,
        method: &str,
        path: &str,
        token: &str,
        body: &(impl ToString + ?Sized),
    ) -> Answer {
        let (authorization, body) = (format!("Bearer {token}"), body.to_string());
        let mut headers = Vec::new();
        if !token.is_empty() {
            headers.push(("authorization", authorization.as_str()));
        }
        if !body.is_empty() {
            headers.push(("content-type", "application/json"));
        }
        self.send(method, path, &headers, &body).await
    }

    /// The operator's token for these scopes.
    pub(crate) async fn token_for(&self, scope: &str) -> String {
        self.token_of("ops", scope).await
    }

    /// A machine's token for these scopes.
    pub(crate) async fn token_of(&self, machine: &str, scope: &str) -> String {
        let scope = scope.replace(':', "%3A").replace(' ', "+");
        let body = format!(
            "grant_type=client_credentials&client_id={machine}&client_secret=s3cret&scope={scope}"
        );
        let answer = self.form("/oauth/token", &body).await;
        assert_eq!(answer.status, StatusCode::OK, "{}", answer.body);
        answer.text("access_token").to_owned()
    }

    /// A refresh; `more` begins with `&` or is empty.
    pub(crate) async fn refresh(&self, token: &str, more: &str) -> Answer {
        self.form(
            "/oauth/token",
            &format!("grant_type=refresh_token&refresh_token={token}{more}"),
        )
        .await
    }

    pub(crate) async fn verify(&self, token: &str, query: &str) -> Answer {
        self.send(
            "GET",
            &format!("/v1/verify{query}"),
            &[("authorization", &format!("Bearer {token}"))],
            "",
        )
        .await
    }
}

/// One part of a JWT: 0 the header, 1 the claims.
pub(crate) fn part(token: &str, at: usize) -> Value {
    use base64::Engine as _;
    let part = token.split('.').nth(at).unwrap();
    let bytes = base64::engine::general_purpose::URL_SAFE_NO_PAD
        .decode(part)
        .unwrap();
    serde_json::from_slice(&bytes).unwrap()
}
