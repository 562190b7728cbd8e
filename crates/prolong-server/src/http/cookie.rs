//! The refresh token in a cookie: two slots by parity of the generation, so that a late `Set-Cookie` cannot overwrite a
//! newer token.
//!
//! 1. Names `__Host-prolong-{client}-{0|1}`; on plain HTTP (development) without the prefix and without `Secure`.
//! 2. `HttpOnly`, `Path=/`, no `Domain`, `SameSite=Strict`.
//! 3. Calls that a cookie authenticates need `Prolong-Request: 1` and an allowed `Origin`.
//! 4. `Max-Age` is the rest of the absolute lifetime where the user asked to stay signed in; it enforces nothing.

use http::{HeaderMap, HeaderValue, header};
use prolong_core::{Generation, SessionId, over};
use prolong_protocol::problem::Code;

use super::cors::allows;
use super::problem::Failure;
use crate::authority::Authority;
use crate::keys::{OpenedRefreshToken, secret_hash};
use crate::settings::{Client, Transport};

/// Sets the slot of this generation.
pub(crate) fn set(
    authority: &Authority,
    headers: &mut HeaderMap,
    client: &Client,
    (generation, token): (Generation, &str),
    max_age: Option<i64>,
) {
    let slot = u8::from(generation.0 % 2 == 1);
    let age = max_age
        .map(|seconds| format!("; Max-Age={seconds}"))
        .unwrap_or_default();
    append(authority, headers, client, slot, token, &age);
}

/// Clears the other slot of this generation: at sign-in.
pub(crate) fn clear_other(
    authority: &Authority,
    headers: &mut HeaderMap,
    client: &Client,
    generation: Generation,
) {
    append(
        authority,
        headers,
        client,
        u8::from(generation.0.is_multiple_of(2)),
        "",
        "; Max-Age=0",
    );
}

/// Clears both slots: at sign-out.
pub(crate) fn clear(authority: &Authority, headers: &mut HeaderMap, client: &Client) {
    for slot in [0, 1] {
        append(authority, headers, client, slot, "", "; Max-Age=0");
    }
}

/// The `Max-Age` of a session's cookie: the rest of its absolute life where it is remembered; `None`: as long as the
/// browser runs.
pub(crate) fn max_age(remember: bool, authorization_expires_in: Option<i64>) -> Option<i64> {
    remember.then(|| authorization_expires_in.unwrap_or(LONGEST).min(LONGEST))
}

/// Refuses what a foreign page could have made a browser send.
///
/// # Errors
/// `CSRF_REFUSED`.
pub(crate) fn refuse_forgery(
    authority: &Authority,
    client: &Client,
    headers: &HeaderMap,
) -> Result<(), Failure> {
    if headers
        .get("prolong-request")
        .is_none_or(|value| value != "1")
    {
        return Err(Failure::new(
            Code::CsrfRefused,
            "send the header `Prolong-Request: 1`",
        ));
    }
    if from_page_of(authority, client, headers) {
        Ok(())
    } else {
        Err(Failure::new(
            Code::CsrfRefused,
            "the Origin is not one of the client's",
        ))
    }
}

fn from_page_of(authority: &Authority, client: &Client, headers: &HeaderMap) -> bool {
    let origin = headers.get(header::ORIGIN);
    origin
        .and_then(|origin| origin.to_str().ok())
        .is_some_and(|origin| allows(authority, client, origin))
}

/// A refresh token from a cookie, and whose client's cookie it was.
pub(crate) struct FromCookie<'a> {
    /// The client.
    pub(crate) client: &'a std::sync::Arc<Client>,
    /// The token.
    pub(crate) token: OpenedRefreshToken,
}

/// Whether any cookie of ours came, for this client or for any that uses cookies.
pub(crate) fn presented(authority: &Authority, headers: &HeaderMap, client: Option<&str>) -> bool {
    !slots(authority, headers, client).is_empty()
}

/// The token to believe: of the clients that the calling page may speak for, if any; not-live ones dropped, then of the
/// session that started last the highest generation. Where none lives, the one that would have been, so that its reason
/// can be told.
///
/// # Errors
/// `UNAVAILABLE`.
pub(crate) async fn read<'a>(
    authority: &'a Authority,
    headers: &HeaderMap,
    client: Option<&str>,
) -> Result<Option<FromCookie<'a>>, Failure> {
    let now = authority.decisive_now()?;
    let mut best: Option<(Rank, FromCookie<'a>)> = None;
    let authentic = slots(authority, headers, client)
        .into_iter()
        .filter_map(|(client, value)| Some((client, authority.opened(&value)?)));
    for (client, token) in authentic.take(MOST) {
        let found = authority
            .store
            .session(token.session)
            .await
            .map_err(Failure::unavailable)?;
        let Some(found) = found.filter(|found| *found.session.client == *client.id) else {
            continue;
        };
        if secret_hash(token.session, &token.secret) != found.session.secret {
            continue;
        }
        let policy = client.policy_for(found.session.flags.remember);
        let live = over(&found.session, &found.user.standing, now, policy).is_none();
        let rank = (
            from_page_of(authority, client, headers),
            live,
            found.session.started_at,
            token.session,
            token.generation,
        );
        if best.as_ref().is_none_or(|(known, _)| rank > *known) {
            best = Some((rank, FromCookie { client, token }));
        }
    }
    Ok(best.map(|(_, from)| from))
}

type Rank = (bool, bool, prolong_core::Timestamp, SessionId, Generation);

/// Every slot that came: `Cookie` headers may be split (HTTP/2).
fn slots<'a>(
    authority: &'a Authority,
    headers: &HeaderMap,
    only: Option<&str>,
) -> Vec<(&'a std::sync::Arc<Client>, String)> {
    let pairs: Vec<(&str, &str)> = headers
        .get_all(header::COOKIE)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .collect();
    let clients = authority.settings.clients.values().filter(|client| {
        client.transport == Transport::Cookie && only.is_none_or(|only| client.id == only)
    });
    clients
        .flat_map(|client| [0, 1].map(|slot| (client, name(authority, client, slot))))
        .flat_map(|(client, name)| {
            let values = pairs
                .iter()
                .filter(move |(key, value)| *key == name && !value.is_empty());
            values
                .map(move |(_, value)| (client, (*value).to_owned()))
                .collect::<Vec<_>>()
        })
        .collect()
}

fn append(
    authority: &Authority,
    headers: &mut HeaderMap,
    client: &Client,
    slot: u8,
    value: &str,
    age: &str,
) {
    let secure = if plain_http(authority) {
        ""
    } else {
        "; Secure"
    };
    let name = name(authority, client, slot);
    let cookie = format!("{name}={value}; Path=/; HttpOnly; SameSite=Strict{secure}{age}");
    if let Ok(mut cookie) = HeaderValue::from_str(&cookie) {
        cookie.set_sensitive(true);
        headers.append(header::SET_COOKIE, cookie);
    }
}

fn name(authority: &Authority, client: &Client, slot: u8) -> String {
    let prefix = if plain_http(authority) { "" } else { "__Host-" };
    // Other characters than these are not allowed in a cookie's name (RFC 6265 §4.1.1).
    let id: String = client
        .id
        .chars()
        .map(|c| {
            if c.is_ascii_alphanumeric() || "-._~".contains(c) {
                c
            } else {
                '_'
            }
        })
        .collect();
    format!("{prefix}prolong-{id}-{slot}")
}

fn plain_http(authority: &Authority) -> bool {
    authority.settings.issuer.starts_with("http://")
}

/// What browsers allow at most: 400 days.
const LONGEST: i64 = 400 * 24 * 60 * 60;
/// Authentic cookies that are looked up.
const MOST: usize = 8;
