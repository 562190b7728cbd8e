//! How commands reach the authority: through the socket of a running server, or by being one for a moment.

use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::{Method, Request, StatusCode, header};
use serde_json::Value;
use tower::ServiceExt;

use crate::config::Config;
use crate::house::{self, House};

/// A way to the API, as the operator.
pub(crate) enum Door {
    /// A server runs.
    Socket(Box<reqwest::Client>, String),
    /// None runs; this process has opened the store.
    Inside(Box<House>, String),
}

/// Where a running server listens for commands.
pub(crate) fn socket_path(data_dir: &Path) -> PathBuf {
    data_dir.join("prolong.sock")
}

impl Door {
    /// Opens the way that there is.
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

    /// Calls the API; `Null` where it answers nothing.
    pub(crate) async fn call(
        &self,
        method: Method,
        path: &str,
        body: Option<&Value>,
    ) -> anyhow::Result<Value> {
        let (status, text) = match self {
            Self::Socket(client, base) => {
                let mut request = client.request(method, format!("http://localhost{base}{path}"));
                if let Some(body) = body {
                    request = request.json(body);
                }
                let response = request
                    .send()
                    .await
                    .context("the running server does not answer")?;
                (response.status(), response.bytes().await?.to_vec())
            }
            Self::Inside(house, base) => {
                inside(&house.operator, method, &format!("{base}{path}"), body).await?
            }
        };
        let answer: Value = serde_json::from_slice(&text).unwrap_or_default();
        if status.is_success() {
            return Ok(answer);
        }
        let member = |name: &str| answer.get(name).and_then(Value::as_str);
        bail!(
            "{}",
            member("detail")
                .or(member("title"))
                .map_or_else(|| status.to_string(), ToOwned::to_owned)
        )
    }
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
