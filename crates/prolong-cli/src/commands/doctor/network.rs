//! Addresses and proxies: is the world led to this server, and does it know who is calling?

use std::time::Duration;

use anyhow::{Context, bail};
use axum::http::Method;
use serde_json::Value;

use super::Findings;
use crate::config::Config;
use crate::door::Door;

/// What the configuration alone shows.
pub(super) fn settings(config: &Config, findings: &mut Findings) {
    let settings = config.plain_settings();
    let everybody = settings
        .trusted_proxies
        .iter()
        .any(|network| network.prefix == 0);
    let behind = settings.issuer.starts_with("https://") && config.tls.is_none();
    if everybody {
        findings.warn(
            "proxies",
            "`trusted_proxies` trusts every address: anybody can say where they come from, and so escape the delays after \
             failed sign-ins. Name your proxies only",
        );
    } else if behind && settings.trusted_proxies.is_empty() {
        findings.warn(
            "proxies",
            "the issuer is https:// and this server speaks HTTP, so a proxy stands in front, but `trusted_proxies` is \
             empty: every sign-in seems to come from the proxy, and one attacker's failures delay everybody",
        );
    } else {
        findings.good(
            "proxies",
            format!("{} trusted", settings.trusted_proxies.len()),
        );
    }
    let risky = settings.clients.values().filter(|client| {
        client.kind == prolong_server::settings::ClientKind::Public && !client.policy.rotate
    });
    for client in risky {
        findings.warn(
            "clients",
            format!(
                "{} is public and its policy does not rotate refresh tokens: a stolen one is not found (RFC 9700 section 2.2.2)",
                client.id
            ),
        );
    }
}

/// Asks the running server who it is, and then the world's address of it, as any verifier would.
pub(super) async fn issuer(config: &Config, door: &Door, findings: &mut Findings) {
    let described = door
        .call(Method::GET, "/.well-known/openid-configuration", None)
        .await;
    let running = match described {
        Ok(description) => description["issuer"]
            .as_str()
            .unwrap_or_default()
            .to_owned(),
        Err(error) => return findings.bad("issuer", &error),
    };
    if let Some(written) = config
        .written_issuer()
        .filter(|written| **written != running)
    {
        findings.warn(
            "issuer",
            format!(
                "the running server is {running}, the configuration says {written}: it was started with another \
                 configuration; restart it"
            ),
        );
    }
    findings.result("issuer", ask(&running).await);
}

async fn ask(issuer: &str) -> anyhow::Result<String> {
    let client = reqwest::Client::builder()
        .timeout(Duration::from_secs(5))
        .redirect(reqwest::redirect::Policy::none())
        .build()?;
    let at = format!("{issuer}/.well-known/openid-configuration");
    let unreachable = || {
        format!(
            "verifiers and clients cannot reach {at}: check the name, the proxy in front, and its certificate"
        )
    };
    let response = client.get(&at).send().await.with_context(unreachable)?;
    let status = response.status();
    if !status.is_success() {
        bail!("{at} answers {status}: does the proxy pass the issuer's path on to this server?");
    }
    let document: Value = response
        .json()
        .await
        .with_context(|| format!("{at} answers something else than an authority's description"))?;
    let says = document["issuer"].as_str().unwrap_or_default();
    if says != issuer {
        bail!("{at} belongs to another authority: it says its issuer is \"{says}\"");
    }
    Ok(format!("{issuer} answers, and is this authority"))
}
