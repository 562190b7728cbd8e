//! `prolong demo`: everything on this machine, in a temporary folder.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;

use anyhow::Context;
use axum::http::Method;
use serde_json::json;
use tokio::net::TcpListener;

use super::serve::{listen, run_house, start_log, terminated};
use crate::config::{Config, Overrides};
use crate::door::Door;
use crate::out::Out;
use crate::{entropy, house, sample_api};

pub(super) async fn run(out: &Out) -> anyhow::Result<()> {
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
    let house = house::open(&config, config.settings(bound)).await?;
    let door = Door::Inside(Box::new(house), String::new());
    let user = json!({ "login": "maryo", "password": password });
    door.call(Method::POST, "/v1/admin/users", Some(&user))
        .await?;
    let Door::Inside(house, _) = door else {
        return Ok(());
    };

    let api = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
    let orders = format!("http://{}/orders", api.local_addr()?);
    let sample = tokio::spawn(sample_api::run(
        api,
        issuer.clone(),
        format!("http://{bound}"),
    ));
    out.raw(&format!(
        "Open {issuer} and sign in as maryo, password {password}.\n\
         Watch the access token of one minute being renewed; press \"Be idle\", and after five minutes it is over.\n\
         Sign in a second time in a private window, and end one session from the other.\n\
         \n\
         A sample API at {orders} verifies tokens by itself. In another terminal:\n\
         \x20 A=$(curl -s {issuer}/v1/sessions -H 'Content-Type: application/json' \\\n\
         \x20     -d '{{\"client_id\":\"terminal\",\"username\":\"maryo\",\"password\":\"{password}\",\"device_name\":\"curl\"}}' | sed 's/.*\"access_token\":\"\\([^\"]*\\)\".*/\\1/')\n\
         \x20 curl -i {orders} -H \"Authorization: Bearer $A\"\n\
         \x20 prolong --data-dir {0} user disable maryo     # and ask for the orders again\n\
         \x20 prolong --data-dir {0} session list\n\
         Stop with Ctrl-C; the folder {0} is removed then.",
        folder.0.display()
    ));
    let served = run_house(&config, &house, listeners, &issuer, terminated()).await;
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
