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

use crate::args::{Args, Client, Command, User};
use crate::config::{Config, Overrides};
use crate::door::{Reach, Remote};
use crate::out::Out;

/// Does what was asked.
pub(crate) async fn run(mut args: Args, out: Out) -> anyhow::Result<()> {
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
    // The first user may be there before the first start.
    let works_on_data = match args.command {
        Command::User(User::Add { .. }) => false,
        Command::Backup { .. } | Command::Migrate { .. } => true,
        _ => !local_only,
    };
    if works_on_data && reach.remote.is_none() && overrides.data_dir.is_none() {
        refuse_nowhere(&load(&overrides)?)?;
    }
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

/// In the wrong folder there is nothing to work on: a database made there would be listed as empty, or be what is backed up.
fn refuse_nowhere(config: &Config) -> anyhow::Result<()> {
    if config.development && !config.data_dir.exists() {
        bail!(
            "there is no prolong.toml here, and no {} of a server in development mode: go to the server's folder, or name \
             its configuration with --config",
            config.data_dir.display()
        );
    }
    Ok(())
}

/// A token goes over TLS, or nowhere: to this machine, by an address that no resolver can lead elsewhere.
fn refuse_in_the_clear(server: &str) -> anyhow::Result<()> {
    let url = reqwest::Url::parse(server).ok();
    let safe = url.as_ref().is_some_and(|url| {
        let here = matches!(url.host_str(), Some("localhost" | "127.0.0.1" | "[::1]"));
        url.scheme() == "https" || (url.scheme() == "http" && here)
    });
    if !safe {
        bail!("--server must be an https:// address: the token must not travel in the clear");
    }
    if url.is_some_and(|url| !url.username().is_empty() || url.password().is_some()) {
        bail!("--server must not name a user: what stands before an @ is not where it leads");
    }
    Ok(())
}

/// `--server` and its token.
fn remote(args: &mut Args) -> anyhow::Result<Option<Remote>> {
    let Some(server) = args.server.take() else {
        if args.token_file.is_some() {
            bail!("--token-file goes with --server");
        }
        return Ok(None);
    };
    refuse_in_the_clear(&server)?;
    let token = match (args.token.take(), &args.token_file) {
        (Some(token), None) => token.reveal().to_owned(),
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
        token: token.into(),
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_never_travels_in_the_clear_beyond_this_machine() {
        for good in [
            "https://auth.example.com",
            "https://auth.example.com/auth",
            "http://localhost:8080",
            "http://127.0.0.1:8080/auth",
            "http://[::1]:8080",
        ] {
            assert!(refuse_in_the_clear(good).is_ok(), "{good}");
        }
        for bad in [
            "http://auth.example.com",
            "http://localhost:80@evil.example",
            "https://auth.example.com@evil.example",
            "http://localhost.evil.example",
            "http://[2001:db8::1]",
            "http://127.0.0.1.evil.example",
            "ftp://localhost",
            "localhost:8080",
            "",
        ] {
            assert!(refuse_in_the_clear(bad).is_err(), "{bad}");
        }
    }
}
