//! One command, one file.

mod backup;
mod client;
mod config;
mod doctor;
mod key;
mod migrate;
pub(crate) mod serve;
mod session;
mod shell;
mod user;

use std::io::Read;

use anyhow::{Context, bail};

use crate::args::{Args, Client, Command};
use crate::config::{Config, Overrides};
use crate::door::{Reach, Remote};
use crate::out::Out;

/// Does what was asked.
pub(crate) async fn run(mut args: Args, out: &Out) -> anyhow::Result<()> {
    let remote = remote(&mut args)?;
    let local_only = !matches!(
        args.command,
        Command::User(_) | Command::Session(_) | Command::Key(_) | Command::Client(Client::List)
    );
    if remote.is_some() && local_only {
        bail!(
            "this command works on this machine's files: leave --server out. From afar one can do `user`, `session`, \
             `key` and `client list`"
        );
    }
    let mut overrides = Overrides {
        file: args.config,
        data_dir: args.data_dir,
        listen: None,
    };
    let reach = Reach {
        overrides: overrides.clone(),
        remote,
    };
    let load = |overrides: &Overrides| Config::load(overrides);
    match args.command {
        Command::Serve { listen } => {
            overrides.listen = listen;
            serve::run(&load(&overrides)?, out).await
        }
        Command::Demo => crate::demo::run(out).await,
        Command::User(command) => user::run(&reach, command, out).await,
        Command::Session(command) => session::run(&reach, command, out).await,
        Command::Key(command) => key::run(&reach, command, out).await,
        Command::Client(command) => client::run(&reach, &command, out).await,
        Command::Config(command) => config::run(&overrides, command, out),
        Command::Backup { file } => backup::backup(&load(&overrides)?, &file, out).await,
        Command::Restore {
            file,
            end_all,
            keep_sessions: _,
        } => backup::restore(&load(&overrides)?, &file, end_all, out).await,
        Command::Migrate { dry_run } => migrate::run(&load(&overrides)?, dry_run, out),
        Command::Doctor => doctor::run(&overrides, out).await,
        Command::Completions { shell } => shell::completions(shell, out),
        Command::Man => shell::man(out),
    }
}

/// `--server` and its token.
fn remote(args: &mut Args) -> anyhow::Result<Option<Remote>> {
    let Some(server) = args.server.take() else {
        if args.token_file.is_some() {
            bail!("--token-file goes with --server");
        }
        return Ok(None);
    };
    let https = server.starts_with("https://");
    let host = server
        .strip_prefix("http://")
        .map(|rest| rest.split(['/', ':']).next());
    let here = matches!(host, Some(Some("localhost" | "127.0.0.1" | "[")));
    if !https && !here {
        bail!("--server must be an https:// address: the token must not travel in the clear");
    }
    let token = match (args.token.take(), &args.token_file) {
        (Some(token), None) => token,
        (_, Some(file)) if file.as_os_str() == "-" => {
            let mut text = String::new();
            std::io::stdin()
                .read_to_string(&mut text)
                .context("cannot read the token")?;
            text
        }
        (_, Some(file)) => std::fs::read_to_string(file)
            .with_context(|| format!("cannot read the token {}", file.display()))?,
        (None, None) => bail!(
            "--server needs a token with the scope prolong:admin: put it into the environment as PROLONG_TOKEN, or use \
             --token-file"
        ),
    };
    let token = token.trim().to_owned();
    if token.is_empty() {
        bail!("the token is empty");
    }
    Ok(Some(Remote {
        server: server.trim_end_matches('/').to_owned(),
        token,
    }))
}
