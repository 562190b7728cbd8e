//! HTTP calls to the real binary.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use reqwest::header::HeaderMap;
use reqwest::{Client, Method, RequestBuilder, StatusCode};
use serde_json::{Value, json};

pub(crate) const PASSWORD: &str = "correct horse battery staple";
/// Of the confidential client `ops`.
pub(crate) const SECRET: &str = "operators-own-back-end";
/// SHA-256 of it.
pub(crate) const SECRET_HASH: &str =
    "sha256:d5f4a82dcc0d810e18f6bcd28165fc2bf077c28ae9d8586e7f783e261a8a34fd";

pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Value,
}

impl Answer {
    pub(crate) fn text(&self, member: &str) -> &str {
        self.body[member]
            .as_str()
            .unwrap_or_else(|| panic!("no {member}: {} {}", self.status, self.body))
    }
}

/// Calls to one address. An `Err` says that no answer arrived: what was asked for may have happened or not.
#[derive(Clone)]
pub(crate) struct Calls {
    client: Client,
    address: String,
}

pub(crate) type Answered = Result<Answer, reqwest::Error>;

impl Calls {
    /// Calls that each take a connection of their own.
    pub(crate) fn new(address: &str) -> Self {
        Self::with(client(0), address)
    }

    pub(crate) fn with(client: Client, address: &str) -> Self {
        Self {
            client,
            address: address.to_owned(),
        }
    }

    fn request(&self, method: Method, path: &str, bearer: Option<&str>) -> RequestBuilder {
        let request = self
            .client
            .request(method, format!("http://{}{path}", self.address));
        match bearer {
            Some(token) => request.bearer_auth(token),
            None => request,
        }
    }

    pub(crate) async fn get(&self, path: &str, bearer: Option<&str>) -> Answered {
        send(self.request(Method::GET, path, bearer)).await
    }

    /// With a JSON body; `Null`: without one.
    pub(crate) async fn json(
        &self,
        method: Method,
        path: &str,
        bearer: Option<&str>,
        body: &Value,
    ) -> Answered {
        let request = self.request(method, path, bearer);
        match body {
            Value::Null => send(request).await,
            body => send(request.json(body)).await,
        }
    }

    pub(crate) async fn form(&self, path: &str, form: &[(&str, String)]) -> Answered {
        send(self.request(Method::POST, path, None).form(form)).await
    }

    /// A refresh.
    pub(crate) async fn refresh(&self, token: &str, attempt: Option<&str>) -> Answered {
        let mut form = vec![
            ("grant_type", "refresh_token".to_owned()),
            ("refresh_token", token.to_owned()),
        ];
        if let Some(attempt) = attempt {
            form.push(("attempt_id", attempt.to_owned()));
        }
        self.form("/oauth/token", &form).await
    }

    pub(crate) async fn sign_in(&self, client: &str, user: &str, password: &str) -> Answered {
        let body = json!({ "client_id": client, "username": user, "password": password });
        self.json(Method::POST, "/v1/sessions", None, &body).await
    }

    /// An access token for `prolong:admin`.
    pub(crate) async fn admin_token(&self) -> Answered {
        let basic = STANDARD.encode(format!("ops:{SECRET}"));
        let form = [
            ("grant_type", "client_credentials"),
            ("scope", "prolong:admin prolong:sign-in"),
        ];
        let request = self
            .request(Method::POST, "/oauth/token", None)
            .header("authorization", format!("Basic {basic}"))
            .form(&form);
        send(request).await
    }

    /// A user with [`PASSWORD`]; their `sub`.
    pub(crate) async fn add_user(&self, name: &str) -> String {
        let token = self.admin_token().await.unwrap();
        let user = json!({ "login": name, "password": PASSWORD });
        let made = self
            .json(
                Method::POST,
                "/v1/admin/users",
                Some(token.text("access_token")),
                &user,
            )
            .await
            .unwrap();
        made.text("sub").to_owned()
    }
}

/// A client that keeps so many idle connections.
pub(crate) fn client(idle: usize) -> Client {
    Client::builder()
        .no_proxy()
        .pool_max_idle_per_host(idle)
        .timeout(Duration::from_secs(30))
        .build()
        .unwrap()
}

async fn send(request: RequestBuilder) -> Answered {
    let response = request.send().await?;
    let (status, headers) = (response.status(), response.headers().clone());
    let bytes = response.bytes().await?;
    Ok(Answer {
        status,
        headers,
        body: serde_json::from_slice(&bytes).unwrap_or(Value::Null),
    })
}
