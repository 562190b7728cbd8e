//! `POST /v1/admin/users/{sub}/sessions`: bring your own sign-in. The caller's backend has authenticated the user.

use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::request::Parts;
use http::{HeaderValue, StatusCode, header};
use prolong_core::{SessionId, Timestamp};
use serde_json::{Value, json};

use super::gate::{self, SIGN_IN};
use super::users::check_sub;
use crate::Authority;
use crate::authority::end::no_such_session;
use crate::authority::sign_in::{Device, SignIn, Who};
use crate::authority::ticket::TICKET_SECONDS;
use crate::http::problem::Failure;
use crate::http::sessions::fields::{Body, Fields, Segment, invalid};
use crate::http::sessions::{place, slot};
use crate::serve::OPERATOR;
use crate::users::{coarse, parsed_claims};

pub(super) async fn post(
    State(authority): State<Arc<Authority>>,
    Segment(sub): Segment,
    parts: Parts,
    Body(body): Body,
) -> Result<Response, Failure> {
    let actor = gate::actor(&authority, &parts, &[SIGN_IN])?;
    let fields = Fields::read(&parts.headers, &body)?.only(KNOWN)?;
    check_sub(&authority, &sub)?;
    let ticket = match fields.text("deliver")? {
        None | Some("tokens") => false,
        Some("ticket") => true,
        Some(_) => return Err(invalid("deliver", "must be `tokens` or `ticket`")),
    };
    let sign_in = sign_in(&authority, &fields, actor)?;
    if ticket {
        let ticket = authority.issue_ticket(&sub, &sign_in).await?;
        let body = json!({ "ticket": ticket, "expires_in": TICKET_SECONDS });
        let mut response = (StatusCode::CREATED, Json(body)).into_response();
        response
            .headers_mut()
            .insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        return Ok(response);
    }
    let who = Who::Brought { sub, ticket: None };
    let started = authority.start_session(&who, &sign_in).await;
    authority.metrics.sign_in(match &started {
        Ok(_) => "ok",
        Err(failure) => failure.code.as_str(),
    });
    let signed_in = started?;
    // The backend gets the refresh token itself, whatever the client's transport: it has no cookies.
    Ok(slot::tokens(StatusCode::CREATED, &signed_in.answer))
}

/// `POST /v1/admin/sessions/{sid}/reauthenticate`: the backend's word that the user proved again who they are.
pub(super) async fn reauthenticate(
    State(authority): State<Arc<Authority>>,
    Segment(sid): Segment,
    parts: Parts,
    Body(body): Body,
) -> Result<Response, Failure> {
    let actor = gate::actor(&authority, &parts, &[SIGN_IN])?;
    Fields::read_optional(&parts.headers, &body)?.only(&[])?;
    let id = SessionId::parse(&sid).ok_or_else(no_such_session)?;
    let answer = authority.reauthenticated(id, None, &actor).await?;
    Ok(slot::tokens(StatusCode::OK, &answer))
}

fn sign_in(authority: &Authority, fields: &Fields, actor: String) -> Result<SignIn, Failure> {
    let id = fields.required_text("client_id")?;
    let client = authority.client(id).filter(|client| client.id != OPERATOR);
    let client = client.cloned();
    let client = client.ok_or_else(|| invalid("client_id", "names no registered client"))?;
    let claims = fields.value("claims").map(parsed_claims).transpose();
    let ip = match fields.text("ip")? {
        None => None,
        Some(ip) => Some(coarse(
            ip.parse()
                .map_err(|_| invalid("ip", "must be an IP address"))?,
        )),
    };
    Ok(SignIn {
        client,
        remember: fields.flag("remember")?.unwrap_or(false),
        device: Device {
            device_name: fields.line("device_name", 100)?,
            user_agent: fields
                .line("user_agent", 1000)?
                .as_deref()
                .map(place::short_user_agent),
            ip,
        },
        authenticated_at: authenticated_at(authority, fields)?,
        acr: fields.line("acr", 255)?,
        claims: claims.map_err(|fault| invalid("claims", fault))?,
        actor,
        how: "backend",
    })
}

/// `auth_time`: RFC 3339, or seconds since the epoch as in tokens. A minute ahead is taken for a clock that differs.
fn authenticated_at(authority: &Authority, fields: &Fields) -> Result<Option<Timestamp>, Failure> {
    let at = match fields.value("auth_time") {
        None => return Ok(None),
        Some(Value::Number(number)) => number
            .as_i64()
            .filter(|seconds| *seconds >= 0)
            .map(Timestamp::from_secs),
        Some(Value::String(text)) => text
            .parse::<jiff::Timestamp>()
            .ok()
            .map(|at| Timestamp::from_millis(at.as_millisecond())),
        Some(_) => None,
    };
    let at = at.filter(|at| *at >= Timestamp::EPOCH);
    let at = at.ok_or_else(|| {
        invalid(
            "auth_time",
            "must be an RFC 3339 time or seconds since 1970",
        )
    })?;
    if at > authority.decisive_now()?.plus(Duration::from_mins(1)) {
        return Err(invalid("auth_time", "must not be in the future"));
    }
    Ok(Some(at))
}

const KNOWN: &[&str] = &[
    "client_id",
    "device_name",
    "auth_time",
    "acr",
    "claims",
    "user_agent",
    "ip",
    "deliver",
    "remember",
];
