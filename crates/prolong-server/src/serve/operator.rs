//! The operator's door: the same API, for whoever may read the data folder anyway.
//!
//! 1. There is one more confidential client, [`OPERATOR`], whose secret is drawn at start and never leaves the process.
//! 2. A router made by [`operator_router`] gets a token for it in the ordinary way, and puts it on calls of
//!    `/v1/admin` that bring none. So there is no private door: what it does, an administrator's client can do.
//! 3. Whoever serves that router checks who calls: the peer of a Unix socket, or the process itself.

use std::collections::BTreeMap;
use std::sync::Arc;

use aws_lc_rs::digest::{SHA256, digest};
use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::{ConnectInfo, Request};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::{HeaderValue, header};
use prolong_core::Policy;
use tower::ServiceExt;

use super::listener::LOCAL;
use crate::http::problem::Failure;
use crate::settings::{Client, ClientKind, Origins, Transport};

/// The id of the operator's client; no configuration may use it.
pub const OPERATOR: &str = "prolong-operator";

/// Adds the operator's client with this secret.
pub fn operator_client(clients: &mut BTreeMap<String, Arc<Client>>, issuer: &str, secret: &str) {
    let mut hash = [0; 32];
    hash.copy_from_slice(digest(&SHA256, secret.as_bytes()).as_ref());
    let client = Client {
        id: OPERATOR.to_owned(),
        kind: ClientKind::Confidential {
            secret_hashes: vec![hash],
        },
        policy_name: "default".to_owned(),
        policy: Arc::new(Policy::defaults()),
        policy_remembered: None,
        audience: vec![issuer.to_owned()],
        scopes: vec![SCOPE.to_owned()],
        origins: Origins::Listed(Vec::new()),
        transport: Transport::Body,
        password_sign_in: false,
    };
    clients.insert(client.id.clone(), Arc::new(client));
}

const SCOPE: &str = "prolong:admin";

/// The same router for the operator; `token_path` is where it gets tokens (base path and `/oauth/token`).
pub fn operator_router(app: &Router, token_path: &str, secret: &str) -> Router {
    let door = Arc::new(Door {
        app: app.clone(),
        token_path: token_path.to_owned(),
        basic: format!("Basic {}", STANDARD.encode(format!("{OPERATOR}:{secret}"))),
    });
    app.clone()
        .layer(axum::middleware::from_fn(move |request, next| {
            Arc::clone(&door).open(request, next)
        }))
}

struct Door {
    app: Router,
    token_path: String,
    basic: String,
}

impl Door {
    async fn open(self: Arc<Self>, mut request: Request, next: Next) -> Response {
        request.extensions_mut().insert(ConnectInfo(LOCAL));
        if request.uri().path().contains("/v1/admin")
            && !request.headers().contains_key(header::AUTHORIZATION)
        {
            match self.token().await {
                Ok(token) => request.headers_mut().insert(header::AUTHORIZATION, token),
                Err(cause) => return Failure::unavailable(cause).into_response(),
            };
        }
        next.run(request).await
    }

    async fn token(&self) -> Result<HeaderValue, String> {
        let body = format!("grant_type=client_credentials&scope={SCOPE}");
        let request = Request::post(&self.token_path)
            .header(header::AUTHORIZATION, &self.basic)
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
            .extension(ConnectInfo(LOCAL))
            .body(Body::from(body))
            .map_err(|error| error.to_string())?;
        let Ok(response) = self.app.clone().oneshot(request).await;
        let status = response.status();
        let body = to_bytes(response.into_body(), 64 * 1024)
            .await
            .map_err(|error| error.to_string())?;
        let answer: serde_json::Value = serde_json::from_slice(&body).unwrap_or_default();
        let token = answer
            .get("access_token")
            .and_then(serde_json::Value::as_str);
        let token = token
            .ok_or_else(|| format!("the operator got no token: {status} {}", answer["error"]))?;
        let mut value =
            HeaderValue::from_str(&format!("Bearer {token}")).map_err(|error| error.to_string())?;
        value.set_sensitive(true);
        Ok(value)
    }
}

#[cfg(test)]
mod tests {
    use prolong_core::PolicyDraft;

    use super::*;
    use crate::world::world_with;

    #[tokio::test]
    async fn it_opens_administration_alone_and_to_whoever_brings_no_token() {
        let mut w = world_with(PolicyDraft::default(), |settings| {
            let issuer = settings.issuer.clone();
            operator_client(&mut settings.clients, &issuer, "s");
        })
        .await;
        let helpdesk = w.token_of("helpdesk", "prolong:support").await;
        w.router = operator_router(&w.router, "/oauth/token", "s");
        let ann = r#"{"login":"ann"}"#;
        let made = w.call("POST", "/v1/admin/users", "", ann).await;
        assert_eq!(made.status.as_u16(), 201, "{}", made.body);
        let log = w.call("GET", "/v1/admin/audit", "", "").await;
        assert_eq!(log.body["lines"][0]["actor"], "operator");
        // Whoever says who they are is that and no more.
        let refused = w.call("POST", "/v1/admin/users", &helpdesk, ann).await;
        assert_eq!(refused.code(), (403, "INSUFFICIENT_SCOPE"));
        for path in ["/v1/sessions", "/v1/feed/snapshot", "/v1/verify"] {
            let refused = w.call("GET", path, "", "").await;
            assert_eq!(refused.code(), (401, "MISSING_TOKEN"), "{path}");
        }
    }
}
