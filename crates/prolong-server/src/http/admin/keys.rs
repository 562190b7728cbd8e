//! `/v1/admin/keys`: list, rotate, distrust; signing keys, and the keys of refresh tokens.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use http::StatusCode;
use http::request::Parts;
use prolong_core::KeyId;
use serde_json::{Value, json};

use super::gate;
use crate::Authority;
use crate::http::problem::Failure;
use crate::http::sessions::fields::{Segment, invalid};
use crate::http::sessions::items::rfc3339;

pub(super) async fn get(
    State(authority): State<Arc<Authority>>,
    parts: Parts,
) -> Result<Json<Value>, Failure> {
    gate::actor(&authority, &parts, &[])?;
    let keys = authority
        .store
        .signing_keys()
        .await
        .map_err(Failure::unavailable)?;
    let keys: Vec<Value> = keys
        .iter()
        .map(|key| {
            json!({
                "kid": key.kid,
                "algorithm": key.algorithm,
                "state": key.state.as_str(),
                "created_at": rfc3339(key.created_at),
                "state_since": rfc3339(key.state_since),
            })
        })
        .collect();
    let refresh = authority
        .refresh_keys_in_use()
        .await
        .map_err(Failure::unavailable)?;
    let newest = refresh.first().map(|(id, _)| *id);
    let refresh: Vec<Value> = refresh
        .into_iter()
        .map(|(id, in_use)| json!({ "id": id.0, "newest": Some(id) == newest, "in_use": in_use }))
        .collect();
    Ok(Json(json!({ "keys": keys, "refresh_keys": refresh })))
}

pub(super) async fn rotate(
    State(authority): State<Arc<Authority>>,
    parts: Parts,
) -> Result<Json<Value>, Failure> {
    let actor = gate::actor(&authority, &parts, &[])?;
    let kid = authority.rotate_signing_key(&actor).await?;
    Ok(Json(json!({ "kid": kid })))
}

pub(super) async fn distrust(
    State(authority): State<Arc<Authority>>,
    Segment(kid): Segment,
    parts: Parts,
) -> Result<StatusCode, Failure> {
    let actor = gate::actor(&authority, &parts, &[])?;
    authority.distrust_signing_key(&kid, &actor).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Ends every session that hangs on a key of refresh tokens.
pub(super) async fn distrust_refresh(
    State(authority): State<Arc<Authority>>,
    Segment(id): Segment,
    parts: Parts,
) -> Result<Json<Value>, Failure> {
    let actor = gate::actor(&authority, &parts, &[])?;
    let id = id
        .parse()
        .map_err(|_| invalid("id", "must be a number from 0 to 255"))?;
    let done = authority.distrust_refresh_key(KeyId(id), &actor).await?;
    Ok(Json(
        json!({ "sessions_ended": done.ended, "newest": done.newest }),
    ))
}
