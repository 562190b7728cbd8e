//! `/v1/admin/keys`: list, rotate, distrust.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use http::StatusCode;
use http::request::Parts;
use serde_json::{Value, json};

use super::gate;
use crate::Authority;
use crate::http::problem::Failure;
use crate::http::sessions::fields::Segment;
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
    Ok(Json(json!({ "keys": keys })))
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
