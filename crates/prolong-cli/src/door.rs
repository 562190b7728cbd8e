//! How commands reach the authority: through the socket of a running server, by being one for a moment, or at an address.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Context;
use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::{Method, Request, StatusCode, header};
use serde_json::Value;
use tower::ServiceExt;

use crate::config::{Config, Overrides, Secret};
use crate::house::{self, House};

/// Where commands are to be carried out.
#[derive(Clone, Debug)]
pub(crate) struct Reach {
    /// Flags that win over the configuration.
    pub(crate) overrides: Overrides,
    /// `--server`, and its token.
    pub(crate) remote: Option<Remote>,
}

/// An authority elsewhere.
#[derive(Clone, Debug)]
pub(crate) struct Remote {
    /// Its address, without a slash at the end.
    pub(crate) server: String,
    /// An access token with an administrator's scope.
    pub(crate) token: Secret,
}

impl Reach {
    /// The configuration of this machine.
    pub(crate) fn config(&self) -> anyhow::Result<Config> {
        Config::load(&self.overrides)
    }

    /// Opens the way that there is.
    pub(crate) async fn door(&self) -> anyhow::Result<Door> {
        match &self.remote {
            Some(remote) => Door::remote(remote),
            None => Door::open(&self.config()?).await,
        }
    }
}

/// A way to the API, as the operator.
pub(crate) enum Door {
    /// A server runs here.
    Socket(Box<reqwest::Client>, String),
    /// None runs; this process has opened the store.
    Inside(Box<House>, String),
    /// A server elsewhere.
    Remote(Box<reqwest::Client>, Remote),
}

/// What the authority refused.
#[derive(Debug)]
pub(crate) struct Refused {
    pub(crate) status: u16,
    pub(crate) code: Option<String>,
    detail: String,
}

impl core::error::Error for Refused {}

impl core::fmt::Display for Refused {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(&self.detail)
    }
}

/// Where a running server listens for commands.
pub(crate) fn socket_path(data_dir: &Path) -> PathBuf {
    data_dir.join("prolong.sock")
}

impl Door {
    /// The way to this machine's authority.
    pub(crate) async fn open(config: &Config) -> anyhow::Result<Self> {
        let settings = config.plain_settings();
        let base = settings.base_path.clone();
        #[cfg(unix)]
        if let Some(client) = running(&config.data_dir) {
            return Ok(Self::Socket(Box::new(client?), base));
        }
        let house = house::open(config, settings).await?;
        Ok(Self::Inside(Box::new(house), base))
    }

    fn remote(remote: &Remote) -> anyhow::Result<Self> {
        let client = reqwest::Client::builder()
            .timeout(Duration::from_secs(30))
            .redirect(reqwest::redirect::Policy::none())
            .build()?;
        Ok(Self::Remote(Box::new(client), remote.clone()))
    }

    /// Calls the API; `Null` where it answers nothing.
    pub(crate) async fn call(
        &self,
        method: Method,
        path: &str,
        body: Option<&Value>,
    ) -> anyhow::Result<Value> {
        let (status, text) = match self {
            Self::Socket(client, base) => {
                let request = client.request(method, format!("http://localhost{base}{path}"));
                let sent = send(request, body).await;
                sent.context("the running server does not answer")?
            }
            Self::Inside(house, base) => {
                inside(&house.operator, method, &format!("{base}{path}"), body).await?
            }
            Self::Remote(client, remote) => {
                let request = client
                    .request(method, format!("{}{path}", remote.server))
                    .bearer_auth(remote.token.reveal());
                let sent = send(request, body).await;
                sent.with_context(|| format!("{} does not answer", remote.server))?
            }
        };
        if status.is_success() {
            return Ok(serde_json::from_slice(&text).unwrap_or_default());
        }
        Err(self.refused(status, &text).into())
    }

    fn refused(&self, status: StatusCode, text: &[u8]) -> Refused {
        let answer: Value = serde_json::from_slice(text).unwrap_or_default();
        let member = |name: &str| {
            answer
                .get(name)
                .and_then(Value::as_str)
                .map(ToOwned::to_owned)
        };
        let mut detail = member("detail")
            .or(member("title"))
            .unwrap_or_else(|| status.to_string());
        if let Self::Remote(_, remote) = self {
            let hint = match status {
                StatusCode::UNAUTHORIZED => ": get a new token with the scope prolong:admin",
                StatusCode::FORBIDDEN => ": the token needs the scope prolong:admin",
                StatusCode::NOT_FOUND if answer.is_null() => {
                    ": is that the address of an authority, with its base path?"
                }
                _ => "",
            };
            detail = format!("{} answers: {detail}{hint}", remote.server);
        }
        Refused {
            status: status.as_u16(),
            code: member("code"),
            detail,
        }
    }
}

async fn send(
    request: reqwest::RequestBuilder,
    body: Option<&Value>,
) -> reqwest::Result<(StatusCode, Vec<u8>)> {
    let request = match body {
        Some(body) => request.json(body),
        None => request,
    };
    let response = request.send().await?;
    let status = response.status();
    Ok((status, response.bytes().await?.to_vec()))
}

/// Calls a router in this process.
pub(crate) async fn inside(
    app: &Router,
    method: Method,
    path: &str,
    body: Option<&Value>,
) -> anyhow::Result<(StatusCode, Vec<u8>)> {
    let request = Request::builder().method(method).uri(path);
    let request = match body {
        Some(body) => request
            .header(header::CONTENT_TYPE, "application/json")
            .body(Body::from(body.to_string())),
        None => request.body(Body::empty()),
    };
    let Ok(response) = app.clone().oneshot(request?).await;
    let status = response.status();
    Ok((
        status,
        to_bytes(response.into_body(), 16 * 1024 * 1024)
            .await?
            .to_vec(),
    ))
}

/// A client of the server that runs, if one does.
#[cfg(unix)]
fn running(data_dir: &Path) -> Option<anyhow::Result<reqwest::Client>> {
    let path = socket_path(data_dir);
    std::os::unix::net::UnixStream::connect(&path).ok()?;
    Some(
        reqwest::Client::builder()
            // No TLS here, so the system need not have certificate authorities.
            .tls_certs_only([])
            .unix_socket(path)
            .build()
            .map_err(Into::into),
    )
}

/// One segment of a path.
pub(crate) fn segment(text: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
    text.bytes()
        .map(|byte| {
            if plain(byte) {
                char::from(byte).to_string()
            } else {
                format!("%{byte:02X}")
            }
        })
        .collect()
}
