//! `prolong config …`

use std::collections::BTreeMap;
use std::path::PathBuf;

use anyhow::{Context, bail};
use prolong_core::{Policy, explain_policy};
use serde_json::{Value, json};

use crate::args::Config as Command;
use crate::config::{Config, Overrides};
use crate::making::Making;
use crate::master_key;
use crate::out::Out;

pub(super) fn run(overrides: &Overrides, command: Command, out: Out) -> anyhow::Result<()> {
    match command {
        Command::Check => check(overrides, out),
        Command::Explain { policy } => explain(overrides, policy.as_deref(), out),
        Command::Init { issuer } => init(overrides, &issuer, out),
    }
}

fn check(overrides: &Overrides, out: Out) -> anyhow::Result<()> {
    let config = Config::load(overrides)?;
    let from = config.file.as_ref().map_or_else(
        || "development mode".to_owned(),
        |file| file.display().to_string(),
    );
    let clients = config.plain_settings().clients.len();
    let text = format!(
        "{from}: good. Issuer {}, clients {clients}, policies {}",
        config.issuer(config.listen),
        config.policies.len()
    );
    out.facts(
        &json!({ "ok": true, "from": from, "issuer": config.issuer(config.listen) }),
        &text,
    );
    Ok(())
}

fn explain(overrides: &Overrides, name: Option<&str>, out: Out) -> anyhow::Result<()> {
    let config = Config::load(overrides)?;
    let mut chosen: BTreeMap<String, Policy> = BTreeMap::new();
    if let Some(name) = name {
        let policy = config
            .policy(name)
            .map_err(|hint| anyhow::anyhow!("there is no policy or preset {name}; {hint}"))?;
        chosen.insert(name.to_owned(), (*policy).clone());
    } else {
        for client in config.plain_settings().clients.values() {
            chosen.insert(client.policy_name.clone(), (*client.policy).clone());
        }
    }
    let mut text = Vec::new();
    let mut facts = serde_json::Map::new();
    for (name, policy) in chosen {
        let lines = explain_policy(&policy);
        let width = lines
            .iter()
            .map(|line| line.at.chars().count())
            .max()
            .unwrap_or(0);
        text.push(name.clone());
        text.extend(
            lines
                .iter()
                .map(|line| format!("  {:<width$}  {}", line.at, line.text)),
        );
        let lines: Vec<Value> = lines
            .into_iter()
            .map(|line| json!({ "at": line.at, "text": line.text }))
            .collect();
        facts.insert(name, Value::from(lines));
    }
    out.facts(&Value::Object(facts), &text.join("\n"));
    Ok(())
}

fn init(overrides: &Overrides, issuer: &str, out: Out) -> anyhow::Result<()> {
    let file = overrides
        .file
        .clone()
        .unwrap_or_else(|| PathBuf::from("prolong.toml"));
    let data_dir = overrides
        .data_dir
        .clone()
        .unwrap_or_else(|| PathBuf::from("prolong-data"));
    let key = data_dir.join("master.key");
    let text = include_str!("init.toml")
        .replace("{issuer}", issuer)
        .replace("{data_dir}", &data_dir.display().to_string());
    Config::read(
        &text,
        Some(&file),
        std::iter::empty(),
        &Overrides::default(),
    )?;
    let cannot = || format!("cannot write {}", file.display());
    let making = Making::of(&file, 0o666).with_context(cannot)?;
    if file.symlink_metadata().is_ok() {
        making.drop_it();
        bail!("{} is there already; nothing was changed", file.display());
    }
    // The configuration comes last: where it is, everything is, and until then `config init` goes on.
    let made = if key.exists() { "kept" } else { "made" };
    if made == "made"
        && let Err(error) = master_key::create(&key)
    {
        making.drop_it();
        return Err(error);
    }
    making.becomes(&file, &text).with_context(cannot)?;
    out.say(&format!(
        "wrote {}, {made} the master key {1}\nKeep a copy of {1} apart from backups: neither is worth anything without the other.",
        file.display(),
        key.display()
    ));
    Ok(())
}
