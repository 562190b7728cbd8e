//! `prolong key …`

use axum::http::Method;
use serde_json::json;

use crate::args::Key;
use crate::config::Config;
use crate::door::{Door, segment};
use crate::out::Out;

pub(super) async fn run(config: &Config, command: Key, out: &Out) -> anyhow::Result<()> {
    let door = Door::open(config).await?;
    match command {
        Key::List => {
            let answer = door.call(Method::GET, "/v1/admin/keys", None).await?;
            let keys = answer["keys"].as_array().cloned().unwrap_or_default();
            out.table(
                &keys,
                &["kid", "algorithm", "state", "created_at", "state_since"],
            );
        }
        Key::Rotate => {
            let key = door
                .call(Method::POST, "/v1/admin/keys/rotate", Some(&json!({})))
                .await?;
            out.facts(
                &key,
                &format!(
                    "new signing key {}",
                    key["kid"].as_str().unwrap_or_default()
                ),
            );
        }
        Key::Distrust { kid } => {
            door.call(
                Method::POST,
                &format!("/v1/admin/keys/{}/distrust", segment(&kid)),
                Some(&json!({})),
            )
            .await?;
            out.say(&format!(
                "key {kid} is distrusted: every token that it signed is refused"
            ));
        }
    }
    Ok(())
}
