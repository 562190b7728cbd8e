//! One command, one file.

mod backup;
mod client;
mod config;
mod doctor;
mod key;
pub(crate) mod serve;
mod session;
mod shell;
mod user;

use crate::args::{Args, Command};
use crate::config::{Config, Overrides};
use crate::out::Out;

/// Does what was asked.
pub(crate) async fn run(args: Args, out: &Out) -> anyhow::Result<()> {
    let mut overrides = Overrides {
        file: args.config,
        data_dir: args.data_dir,
        listen: None,
    };
    let load = |overrides: &Overrides| Config::load(overrides);
    match args.command {
        Command::Serve { listen } => {
            overrides.listen = listen;
            serve::run(&load(&overrides)?, out).await
        }
        Command::Demo => crate::demo::run(out).await,
        Command::User(command) => user::run(&load(&overrides)?, command, out).await,
        Command::Session(command) => session::run(&load(&overrides)?, command, out).await,
        Command::Key(command) => key::run(&load(&overrides)?, command, out).await,
        Command::Client(command) => client::run(&overrides, &command, out),
        Command::Config(command) => config::run(&overrides, command, out),
        Command::Backup { file } => backup::backup(&load(&overrides)?, &file, out).await,
        Command::Restore {
            file,
            end_all,
            keep_sessions: _,
        } => backup::restore(&load(&overrides)?, &file, end_all, out).await,
        Command::Doctor => doctor::run(&overrides, out).await,
        Command::Completions { shell } => shell::completions(shell, out),
        Command::Man => shell::man(out),
    }
}
