//! What only the authority knows: its keys, and whose sessions it holds.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::bail;
use axum::http::Method;
use serde_json::Value;

use super::Findings;
use crate::config::Config;
use crate::door::{Door, segment};

pub(super) async fn look(config: &Config, door: &Door, findings: &mut Findings) {
    match door.call(Method::GET, "/v1/admin/stats", None).await {
        Ok(stats) => {
            let text = format!(
                "{} users, {} sessions, {} of them not ended",
                stats["users"], stats["sessions"], stats["sessions_not_ended"]
            );
            findings.good("database", text);
        }
        Err(error) => findings.bad("database", &error),
    }
    match door.call(Method::GET, "/v1/admin/keys", None).await {
        Ok(keys) => {
            findings.result("signing keys", signing_keys(&keys));
            pins(&keys, findings);
        }
        Err(error) => findings.bad("signing keys", &error),
    }
    match clients_of_sessions(config, door).await {
        Ok(unknown) if unknown.is_empty() => {
            findings.good(
                "clients",
                "every session looked at belongs to a client of the configuration",
            );
        }
        Ok(unknown) => {
            let list: Vec<String> = unknown
                .iter()
                .map(|(client, sessions)| format!("{client} ({sessions})"))
                .collect();
            findings.warn(
                "clients",
                format!(
                    "live sessions of clients that the configuration does not have: {}. They cannot be prolonged; add the \
                     client again, or let them run out",
                    list.join(", ")
                ),
            );
        }
        Err(error) => findings.bad("clients", &error),
    }
}

fn signing_keys(answer: &Value) -> anyhow::Result<String> {
    let keys = answer["keys"]
        .as_array()
        .map(Vec::as_slice)
        .unwrap_or_default();
    let of = |state: &str| keys.iter().filter(|key| key["state"] == state).count();
    if of("active") == 0 {
        bail!("there is no active signing key: `prolong key rotate` makes one");
    }
    Ok(format!(
        "1 active, {} published for later, {} retiring, {} dead",
        of("pending"),
        of("retiring"),
        of("dead")
    ))
}

/// Which master keys can go.
fn pins(answer: &Value, findings: &mut Findings) {
    let keys = answer["refresh_keys"]
        .as_array()
        .map(Vec::as_slice)
        .unwrap_or_default();
    let older = keys.iter().filter(|key| key["newest"] != true);
    let (needed, free): (Vec<_>, Vec<_>) = older.partition(|key| key["in_use"] == true);
    let ids = |keys: &[&Value]| {
        let ids: Vec<String> = keys.iter().map(|key| key["id"].to_string()).collect();
        ids.join(", ")
    };
    let mut said = vec![format!("{} in the list", keys.len())];
    if !needed.is_empty() {
        said.push(format!("live sessions still hang on {}", ids(&needed)));
    }
    if !free.is_empty() {
        said.push(format!(
            "nothing hangs on {} any more: the line may go",
            ids(&free)
        ));
    }
    findings.good("key pins", said.join("; "));
}

/// Clients of the newest live sessions that are not in the configuration, with how many sessions each.
async fn clients_of_sessions(
    config: &Config,
    door: &Door,
) -> anyhow::Result<BTreeMap<String, u64>> {
    let settings = config.plain_settings();
    let known: BTreeSet<&str> = settings.clients.keys().map(String::as_str).collect();
    let mut unknown = BTreeMap::new();
    let mut after = String::new();
    for _ in 0..PAGES {
        let path = format!("/v1/admin/sessions?live=true&limit=1000{after}");
        let answer = door.call(Method::GET, &path, None).await?;
        for session in answer["sessions"].as_array().into_iter().flatten() {
            let client = session["client_id"].as_str().unwrap_or_default();
            if !known.contains(client) {
                *unknown.entry(client.to_owned()).or_insert(0) += 1;
            }
        }
        match answer["next"].as_str() {
            Some(next) => after = format!("&after={}", segment(next)),
            None => break,
        }
    }
    Ok(unknown)
}

/// A large store is looked at in part: its 20,000 newest sessions.
const PAGES: usize = 20;
