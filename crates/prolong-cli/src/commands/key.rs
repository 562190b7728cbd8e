//! `prolong key …`

use anyhow::bail;
use axum::http::Method;
use serde_json::{Value, json};

use crate::args::{Key, KeyUse};
use crate::door::{Door, Reach, segment};
use crate::master_key;
use crate::out::Out;

pub(super) async fn run(reach: &Reach, command: Key, out: Out) -> anyhow::Result<()> {
    match command {
        Key::List => list(&reach.door().await?, out).await,
        Key::Rotate { which } if which.refresh => rotate_master(reach, out),
        Key::Rotate { .. } => {
            let door = reach.door().await?;
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
            Ok(())
        }
        Key::Distrust { kid, which } => distrust(&reach.door().await?, kid, which, out).await,
    }
}

async fn list(door: &Door, out: Out) -> anyhow::Result<()> {
    let mut keys = Vec::new();
    for key in signing_keys(door).await? {
        let mut key = key;
        key["use"] = json!("signing");
        keys.push(key);
    }
    for key in refresh_keys(door).await? {
        let state = if key["newest"] == true {
            "active"
        } else {
            "retiring"
        };
        keys.push(json!({
            "kid": key["id"].to_string(),
            "use": "refresh",
            "algorithm": "HMAC-SHA-256",
            "state": state,
            "in_use": key["in_use"],
        }));
    }
    let columns = [
        "use",
        "kid",
        "algorithm",
        "state",
        "created_at",
        "state_since",
        "in_use",
    ];
    out.table(&keys, &columns);
    Ok(())
}

async fn signing_keys(door: &Door) -> anyhow::Result<Vec<Value>> {
    let answer = door.call(Method::GET, "/v1/admin/keys", None).await?;
    Ok(answer["keys"].as_array().cloned().unwrap_or_default())
}

async fn refresh_keys(door: &Door) -> anyhow::Result<Vec<Value>> {
    let answer = door.call(Method::GET, "/v1/admin/keys", None).await?;
    Ok(answer["refresh_keys"]
        .as_array()
        .cloned()
        .unwrap_or_default())
}

/// A new master key, put before the others. It counts from the next start of the server.
fn rotate_master(reach: &Reach, out: Out) -> anyhow::Result<()> {
    if reach.remote.is_some() {
        bail!(
            "a master key is a file of the machine that runs the server: run this there, without --server"
        );
    }
    let config = reach.config()?;
    let made = master_key::add(&config)?;
    let facts = json!({ "id": made.id.0, "file": config.master_key_file, "restart": true });
    out.facts(
        &facts,
        &format!(
            "master key {} is the first in {} now. Back that file up, then restart the server: sessions move to the new \
             key as they are renewed, and nobody is signed out",
            made.id.0,
            config.master_key_file.display()
        ),
    );
    Ok(())
}

async fn distrust(door: &Door, kid: Option<String>, which: KeyUse, out: Out) -> anyhow::Result<()> {
    if which.refresh {
        let id = match kid {
            Some(kid) => kid,
            None => only_master_key(door).await?,
        };
        let path = format!("/v1/admin/keys/refresh/{}/distrust", segment(&id));
        let mut done = door.call(Method::POST, &path, Some(&json!({}))).await?;
        let ended = done["sessions_ended"].as_u64().unwrap_or_default();
        let again = if done["newest"] == true {
            ". It is still the newest master key, so new sessions hang on it: `prolong key rotate --refresh`, restart, and \
             distrust it once more"
        } else {
            ". Its line can leave the file of master keys now"
        };
        done["kid"] = json!(id);
        out.facts(
            &done,
            &format!("master key {id} is distrusted: {ended} sessions were ended{again}"),
        );
        return Ok(());
    }
    let kid = match kid {
        Some(kid) => kid,
        None => active_signing_key(door).await?,
    };
    let path = format!("/v1/admin/keys/{}/distrust", segment(&kid));
    door.call(Method::POST, &path, Some(&json!({}))).await?;
    out.facts(
        &json!({ "kid": kid }),
        &format!("key {kid} is distrusted: every token that it signed is refused; clients renew by themselves"),
    );
    Ok(())
}

async fn active_signing_key(door: &Door) -> anyhow::Result<String> {
    let keys = signing_keys(door).await?;
    let active = keys.iter().find(|key| key["state"] == "active");
    match active.and_then(|key| key["kid"].as_str()) {
        Some(kid) => Ok(kid.to_owned()),
        None => bail!("there is no active signing key; `prolong key list` shows what there is"),
    }
}

async fn only_master_key(door: &Door) -> anyhow::Result<String> {
    let keys = refresh_keys(door).await?;
    match keys.as_slice() {
        [only] => Ok(only["id"].to_string()),
        keys => {
            let ids: Vec<String> = keys.iter().map(|key| key["id"].to_string()).collect();
            bail!("say which master key: one of {}", ids.join(", "))
        }
    }
}
