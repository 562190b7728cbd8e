//! `prolong client …`

use aws_lc_rs::digest::{SHA256, digest};
use axum::http::Method;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use prolong_server::entropy::draw;
use prolong_server::settings::{ClientKind, Transport};
use serde_json::{Value, json};

use crate::args::Client;
use crate::door::Reach;
use crate::entropy::SystemEntropy;
use crate::out::Out;

pub(super) async fn run(reach: &Reach, command: &Client, out: Out) -> anyhow::Result<()> {
    match command {
        Client::List if reach.remote.is_some() => {
            let door = reach.door().await?;
            let answer = door.call(Method::GET, "/v1/admin/clients", None).await?;
            let clients = answer["clients"].as_array().cloned().unwrap_or_default();
            out.table(
                &clients,
                &["id", "kind", "policy", "audience", "scopes", "transport"],
            );
        }
        Client::List => {
            let settings = reach.config()?.plain_settings();
            let clients: Vec<Value> = settings
                .clients
                .values()
                .map(|client| {
                    json!({
                        "id": client.id,
                        "kind": if client.kind == ClientKind::Public { "public" } else { "confidential" },
                        "policy": client.policy_name,
                        "audience": client.audience.join(" "),
                        "scopes": client.scopes.join(" "),
                        "transport": if client.transport == Transport::Cookie { "cookie" } else { "body" },
                    })
                })
                .collect();
            out.table(
                &clients,
                &["id", "kind", "policy", "audience", "scopes", "transport"],
            );
        }
        Client::Secret => {
            let secret = URL_SAFE_NO_PAD.encode(draw::<32>(&SystemEntropy));
            let hash = digest(&SHA256, secret.as_bytes());
            let hash: String = hash
                .as_ref()
                .iter()
                .map(|byte| format!("{byte:02x}"))
                .collect();
            let text = format!(
                "secret, for the client:            {secret}\nsecret_hash, for the configuration: \"sha256:{hash}\""
            );
            out.facts(
                &json!({ "secret": secret, "secret_hash": format!("sha256:{hash}") }),
                &text,
            );
        }
    }
    Ok(())
}
