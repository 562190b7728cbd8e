//! `GET /v1/admin/clients`: the registered clients, without their secrets.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use http::request::Parts;
use serde_json::{Value, json};

use super::gate::{self, SUPPORT};
use crate::Authority;
use crate::http::problem::Failure;
use crate::settings::{Client, ClientKind, Origins, Transport};

pub(super) async fn get(
    State(authority): State<Arc<Authority>>,
    parts: Parts,
) -> Result<Json<Value>, Failure> {
    gate::actor(&authority, &parts, &[SUPPORT])?;
    let clients: Vec<Value> = authority
        .settings
        .clients
        .values()
        .map(|client| shown(client))
        .collect();
    Ok(Json(json!({ "clients": clients })))
}

fn shown(client: &Client) -> Value {
    json!({
        "id": client.id,
        "kind": match client.kind {
            ClientKind::Public => "public",
            ClientKind::Confidential { .. } => "confidential",
        },
        "policy": client.policy_name,
        "has_policy_remembered": client.policy_remembered.is_some(),
        "audience": client.audience,
        "scopes": client.scopes,
        "origins": match &client.origins {
            Origins::AnyLoopback => json!("any-loopback"),
            Origins::Listed(origins) => json!(origins),
        },
        "transport": match client.transport {
            Transport::Body => "body",
            Transport::Cookie => "cookie",
        },
        "password_sign_in": client.password_sign_in,
    })
}
