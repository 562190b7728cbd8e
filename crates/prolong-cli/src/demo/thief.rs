//! Somebody who copied the refresh token: malware on the device, a stolen backup of the browser.
//!
//! The thief has the refresh token and no more: in particular not the attempt id of the next renewal, though a script that
//! reads the page's storage could have that, too (decision 0070).

use std::net::{Ipv4Addr, SocketAddr};

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::ConnectInfo;
use axum::http::{HeaderMap, HeaderValue, Request, header};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use parking_lot::Mutex;
use serde_json::{Value, json};
use tower::ServiceExt;

/// A thief with at most one stolen token.
pub(super) struct Thief {
    authority: Router,
    origin: String,
    cookies: Mutex<Option<String>>,
}

impl Thief {
    pub(super) fn new(authority: Router, origin: &str) -> Self {
        Self {
            authority,
            origin: origin.to_owned(),
            cookies: Mutex::new(None),
        }
    }

    /// Copies the refresh token from what the browser sent; tells its generation.
    pub(super) fn steal(&self, headers: &HeaderMap) -> Option<u64> {
        let (Said { generation, .. }, pair) = newest(headers)?;
        *self.cookies.lock() = Some(pair.to_owned());
        Some(generation)
    }

    /// Prolongs the session with the stolen token, from another machine as it were.
    pub(super) async fn act(&self) -> anyhow::Result<Value> {
        let Some(cookie) = self.cookies.lock().clone() else {
            return Ok(json!({ "outcome": "nothing_stolen" }));
        };
        let mut request = Request::post("/oauth/token")
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
            .header(header::ORIGIN, &self.origin)
            .header("prolong-request", "1")
            .extension(ConnectInfo(SocketAddr::from((Ipv4Addr::LOCALHOST, 0))))
            .body(Body::from("grant_type=refresh_token&client_id=web"))?;
        let mut cookie = HeaderValue::from_str(&cookie)?;
        cookie.set_sensitive(true);
        request.headers_mut().insert(header::COOKIE, cookie);
        let Ok(response) = self.authority.clone().oneshot(request).await;
        let won = response.status().is_success();
        let next = response
            .headers()
            .get_all(header::SET_COOKIE)
            .iter()
            .filter_map(|set| set.to_str().ok()?.split(';').next())
            .find(|pair| Said::by(pair).is_some())
            .map(ToOwned::to_owned);
        let answer = to_bytes(response.into_body(), 64 * 1024).await?;
        let answer: Value = serde_json::from_slice(&answer).unwrap_or_default();
        let mut held = self.cookies.lock();
        if !won {
            *held = None;
            return Ok(json!({ "outcome": "refused", "reason": answer["reason"] }));
        }
        if next.is_some() {
            *held = next;
        }
        Ok(json!({ "outcome": "renewed", "generation": answer["session"]["generation"] }))
    }
}

/// What a refresh token in a cookie says without being asked; neither is secret.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Said {
    generation: u64,
    sid: [u8; 16],
}

impl Said {
    fn by(pair: &str) -> Option<Self> {
        let (_, token) = pair.split_once("=plr1_")?;
        let bytes = URL_SAFE_NO_PAD.decode(token).ok()?;
        let generation: [u8; 6] = bytes.get(18..24)?.try_into().ok()?;
        Some(Self {
            generation: generation
                .iter()
                .fold(0, |sum, byte| sum << 8 | u64::from(*byte)),
            sid: bytes.get(2..18)?.try_into().ok()?,
        })
    }
}

/// The newest refresh token among a browser's cookies.
fn newest(headers: &HeaderMap) -> Option<(Said, &str)> {
    let cookies = headers.get(header::COOKIE)?.to_str().ok()?;
    let pairs = cookies.split(';').map(str::trim);
    pairs.filter_map(|pair| Some((Said::by(pair)?, pair))).max()
}

/// The session that a browser's cookies are of.
pub(super) fn session_of(headers: &HeaderMap) -> Option<[u8; 16]> {
    Some(newest(headers)?.0.sid)
}
