//! `/v1/admin/users/{sub}/…`: disable, enable, require-reauth, sign-out, password.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use bytes::Bytes;
use http::StatusCode;
use http::request::Parts;
use serde_json::Value;

use super::gate::{self, SUPPORT};
use super::users::{imported_hash, shown};
use crate::Authority;
use crate::http::problem::Failure;
use crate::http::sessions::fields::{Body, Fields, Segment, invalid};

type Answer = Result<Json<Value>, Failure>;

pub(super) async fn disable(
    State(authority): State<Arc<Authority>>,
    Segment(sub): Segment,
    parts: Parts,
    Body(body): Body,
) -> Answer {
    let actor = gate::actor(&authority, &parts, &[])?;
    nothing_more(&parts, &body)?;
    let user = authority.existing_user(&sub).await?;
    Ok(Json(shown(
        &authority.disable_user(user.key, &actor).await?,
    )))
}

pub(super) async fn enable(
    State(authority): State<Arc<Authority>>,
    Segment(sub): Segment,
    parts: Parts,
    Body(body): Body,
) -> Answer {
    let actor = gate::actor(&authority, &parts, &[])?;
    nothing_more(&parts, &body)?;
    let user = authority.existing_user(&sub).await?;
    Ok(Json(shown(&authority.enable_user(user.key, &actor).await?)))
}

pub(super) async fn require_reauth(
    State(authority): State<Arc<Authority>>,
    Segment(sub): Segment,
    parts: Parts,
    Body(body): Body,
) -> Answer {
    let actor = gate::actor(&authority, &parts, &[])?;
    nothing_more(&parts, &body)?;
    let user = authority.existing_user(&sub).await?;
    Ok(Json(shown(
        &authority.require_reauth(user.key, &actor).await?,
    )))
}

pub(super) async fn sign_out(
    State(authority): State<Arc<Authority>>,
    Segment(sub): Segment,
    parts: Parts,
    Body(body): Body,
) -> Answer {
    let actor = gate::actor(&authority, &parts, &[SUPPORT])?;
    nothing_more(&parts, &body)?;
    let user = authority.existing_user(&sub).await?;
    Ok(Json(shown(
        &authority.sign_user_out(user.key, &actor).await?,
    )))
}

/// `{password}` or `{password_hash}`: sets it and ends every session.
pub(super) async fn password(
    State(authority): State<Arc<Authority>>,
    Segment(sub): Segment,
    parts: Parts,
    Body(body): Body,
) -> Result<StatusCode, Failure> {
    let actor = gate::actor(&authority, &parts, &[])?;
    let fields = Fields::read(&parts.headers, &body)?.only(&["password", "password_hash"])?;
    let password = fields.text("password")?;
    let hash = imported_hash(&fields)?;
    let user = authority.existing_user(&sub).await?;
    match (password, hash) {
        (Some(password), None) => authority.reset_password(user.key, password, &actor).await?,
        (None, Some(hash)) => authority.store_password(user.key, hash, &actor).await?,
        (Some(_), Some(_)) => return Err(invalid("password_hash", "goes without `password`")),
        (None, None) => return Err(invalid("password", "is missing")),
    }
    Ok(StatusCode::NO_CONTENT)
}

fn nothing_more(parts: &Parts, body: &Bytes) -> Result<(), Failure> {
    Fields::read_optional(&parts.headers, body)?
        .only(&[])
        .map(drop)
}
