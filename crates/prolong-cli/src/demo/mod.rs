//! `prolong demo`: everything on this machine, in a temporary folder.
//!
//! 1. An authority with a user, on a free port; in front of it [`front`], which serves the web application and can lose
//!    an answer.
//! 2. A sample API on a port of its own, which verifies by itself and follows the feed.
//! 3. A [`thief`], who acts only when the page says so.

mod front;
mod sample_api;
mod thief;

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;

use anyhow::Context;
use axum::http::Method;
use serde_json::{Value, json};
use tokio::net::TcpListener;

use crate::commands::serve::{listen, run_house, start_log, terminated};
use crate::config::{Config, Overrides};
use crate::door::inside;
use crate::out::{Out, this_program};
use crate::{entropy, house};
use front::Facts;

/// The user of the demo.
const USER: &str = "maryo";

pub(crate) async fn run(out: Out) -> anyhow::Result<()> {
    let folder = Folder::make()?;
    let overrides = Overrides {
        data_dir: Some(folder.0.clone()),
        listen: Some(SocketAddr::from((Ipv4Addr::LOCALHOST, free_port().await))),
        ..Overrides::default()
    };
    let config = Config::read(
        include_str!("demo.toml"),
        None,
        std::iter::empty(),
        &overrides,
    )?;
    start_log(&config);
    let listeners = listen(&config).await?;
    let bound = listeners
        .first()
        .context("nowhere to listen")?
        .local_addr()?;
    let issuer = config.issuer(bound);
    let password = entropy::hex::<5>();
    let mut house = house::open(&config, config.settings(bound)).await?;
    let user = json!({ "login": USER, "password": password });
    let (made, answer) = inside(
        &house.operator,
        Method::POST,
        "/v1/admin/users",
        Some(&user),
    )
    .await?;
    anyhow::ensure!(made.is_success(), "the demo's user was not made: {made}");
    let made: Value = serde_json::from_slice(&answer)?;

    let api = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
    let orders = format!("http://{}/orders", api.local_addr()?);
    let facts = Facts {
        api: orders.clone(),
        user: USER.to_owned(),
        sub: made["sub"].as_str().unwrap_or_default().to_owned(),
        password: password.clone(),
        issuer: issuer.clone(),
    };
    house.router = front::router(house.router.clone(), house.operator.clone(), facts);
    let sample = tokio::spawn(sample_api::run(
        api,
        issuer.clone(),
        format!("http://{bound}"),
    ));
    out.raw(&format!(
        "Open {issuer} and sign in as {USER}, password {password}.\n\
         Watch access tokens of 30 seconds being renewed. Then try to break it: lose an answer, be idle for two minutes,\n\
         open a second tab, ban {USER}, steal the refresh token.\n\
         \n\
         A sample API at {orders} verifies tokens by itself. In another terminal:\n\
         \x20 A=$(curl -s {issuer}/v1/sessions -H 'Content-Type: application/json' \\\n\
         \x20     -d '{{\"client_id\":\"terminal\",\"username\":\"{USER}\",\"password\":\"{password}\",\"device_name\":\"curl\"}}' | sed 's/.*\"access_token\":\"\\([^\"]*\\)\".*/\\1/')\n\
         \x20 curl -i {orders} -H \"Authorization: Bearer $A\"\n\
         \x20 {1} --data-dir {0} user disable {USER}     # and ask for the orders again\n\
         \x20 {1} --data-dir {0} session list\n\
         Stop with Ctrl-C; the folder {0} is removed then.",
        folder.0.display(),
        this_program(),
    ));
    let served = run_house(&config, &house, listeners, &issuer, terminated(true)).await;
    sample.abort();
    served
}

/// 8080, or the next that is free; 0 where none of the next hundred is.
async fn free_port() -> u16 {
    for port in 8080..8180 {
        if TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await.is_ok() {
            return port;
        }
    }
    0
}

/// A folder that goes away with the demo.
struct Folder(PathBuf);

impl Folder {
    fn make() -> anyhow::Result<Self> {
        let path = std::env::temp_dir().join(format!("prolong-demo-{}", entropy::hex::<4>()));
        let mut builder = std::fs::DirBuilder::new();
        #[cfg(unix)]
        std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
        builder
            .create(&path)
            .with_context(|| format!("cannot make {}", path.display()))?;
        Ok(Self(path))
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        // What cannot be removed is left to the system's own tidying.
        let _ = std::fs::remove_dir_all(&self.0);
    }
}
