//! `prolong doctor`

use prolong_server::clock::Clock;
use prolong_store::{KeyState, Store};
use serde_json::{Value, json};

use crate::clock::SystemClock;
use crate::config::{Config, Overrides};
use crate::door::{Door, socket_path};
use crate::out::Out;
use crate::{house, master_key};

pub(super) async fn run(overrides: &Overrides, out: &Out) -> anyhow::Result<()> {
    let mut findings = Vec::new();
    let config = match Config::load(overrides) {
        Ok(config) => {
            let from = config.file.as_ref().map_or_else(
                || "development mode".to_owned(),
                |file| file.display().to_string(),
            );
            note(&mut findings, "configuration", Ok(from));
            Some(config)
        }
        Err(error) => {
            note(&mut findings, "configuration", Err(error));
            None
        }
    };
    if let Some(config) = config {
        let key = match &config.master_key {
            Some(_) => Ok("from the environment".to_owned()),
            None => master_key::check_mode(&config.master_key_file)
                .map(|()| config.master_key_file.display().to_string()),
        };
        note(
            &mut findings,
            "master key",
            key.and_then(|from| master_key::load(&config).map(|_| from)),
        );
        note(
            &mut findings,
            "clock",
            SystemClock::new()
                .trusted_now()
                .map(crate::clock::shown)
                .map_err(anyhow::Error::msg),
        );
        if matches!(running(&config).await, Some(())) {
            note(
                &mut findings,
                "server",
                Ok("runs; the database was not looked at".to_owned()),
            );
        } else if config.data_dir.join("prolong.db").exists() {
            note(&mut findings, "database", database(&config).await);
        } else {
            note(
                &mut findings,
                "database",
                Ok("none yet; the first start makes it".to_owned()),
            );
        }
    }
    let bad = findings
        .iter()
        .filter(|finding| finding["ok"] == false)
        .count();
    let text: Vec<String> = findings
        .iter()
        .map(|finding| {
            let word = |member: &str| finding[member].as_str().unwrap_or_default().to_owned();
            format!(
                "{:<4} {:<14} {}",
                if finding["ok"] == true { "ok" } else { "BAD" },
                word("what"),
                word("found")
            )
        })
        .collect();
    out.facts(
        &json!({ "ok": bad == 0, "findings": findings }),
        &text.join("\n"),
    );
    if bad == 0 {
        Ok(())
    } else {
        anyhow::bail!("{bad} of {} must be mended", text.len())
    }
}

fn note(findings: &mut Vec<Value>, what: &str, found: anyhow::Result<String>) {
    let (ok, found) = match found {
        Ok(found) => (true, found),
        Err(error) => (false, format!("{error:#}")),
    };
    findings.push(json!({ "what": what, "ok": ok, "found": found }));
}

async fn running(config: &Config) -> Option<()> {
    if !socket_path(&config.data_dir).exists() {
        return None;
    }
    matches!(Door::open(config).await, Ok(Door::Socket(..))).then_some(())
}

async fn database(config: &Config) -> anyhow::Result<String> {
    let store = house::open_store(config)?;
    SystemClock::new().agree_with(house::high_water(&store).await?)?;
    let counts = store.counts().await?;
    let keys = store.signing_keys().await?;
    if !keys.iter().any(|key| key.state == KeyState::Active) && !keys.is_empty() {
        anyhow::bail!("there is no active signing key: `prolong key rotate` makes one");
    }
    Ok(format!(
        "{} users, {} sessions, {} signing keys",
        counts.users,
        counts.sessions,
        keys.len()
    ))
}
