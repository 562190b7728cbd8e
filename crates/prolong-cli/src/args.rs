//! The command line, as written.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Parser, Subcommand, ValueEnum};

use crate::config::Secret;

/// A session authority: keeps active users signed in and everyone else out.
#[derive(Debug, Parser)]
#[command(
    name = "prolong",
    version,
    arg_required_else_help = true,
    propagate_version = true
)]
pub(crate) struct Args {
    /// The configuration file [default: prolong.toml, if it is there; else development mode]
    #[arg(long, global = true, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// Where the database and the keys are; wins over the configuration
    #[arg(long, global = true, value_name = "DIR")]
    pub(crate) data_dir: Option<PathBuf>,
    /// How results are printed
    #[arg(long, global = true, value_enum, default_value_t = Output::Text)]
    pub(crate) output: Output,
    /// Administers the authority at this address instead of the one of this machine's data folder
    #[arg(long, global = true, value_name = "URL")]
    pub(crate) server: Option<String>,
    /// For --server: an access token with the scope prolong:admin. Other processes see it; better put it into the
    /// environment as `PROLONG_TOKEN`
    #[arg(
        long,
        global = true,
        value_name = "TOKEN",
        env = "PROLONG_TOKEN",
        hide_env_values = true
    )]
    pub(crate) token: Option<Secret>,
    /// For --server: a file with the token; - reads it from the standard input
    #[arg(long, global = true, value_name = "FILE", conflicts_with = "token")]
    pub(crate) token_file: Option<PathBuf>,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// How results are printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Output {
    /// For people.
    Text,
    /// For machines.
    Json,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Runs the authority
    Serve {
        /// Where to listen; port 0 takes any free one
        #[arg(long, value_name = "ADDRESS")]
        listen: Option<SocketAddr>,
    },
    /// Shows it all on this machine: an authority in a temporary folder, a sample API, a user
    Demo,
    /// Users
    #[command(subcommand)]
    User(User),
    /// Sessions
    #[command(subcommand)]
    Session(Session),
    /// Keys: those that sign access tokens, and the master keys behind refresh tokens
    #[command(subcommand)]
    Key(Key),
    /// Applications that ask for tokens (they are registered in the configuration)
    #[command(subcommand)]
    Client(Client),
    /// The configuration
    #[command(subcommand)]
    Config(Config),
    /// Copies the database into a new file, also while the server runs; the master key is not in it
    Backup {
        /// The file to write; it must not exist
        file: PathBuf,
    },
    /// Puts a backup in place of the database, while no server runs
    #[command(group = clap::ArgGroup::new("sessions").required(true))]
    Restore {
        /// A file that `prolong backup` wrote
        file: PathBuf,
        /// Sessions of the backup go on; those started later are lost
        #[arg(long, group = "sessions")]
        keep_sessions: bool,
        /// Everybody signs in again
        #[arg(long, group = "sessions")]
        end_all: bool,
    },
    /// Brings the database to the schema of this version, which `serve` also does when it starts
    Migrate {
        /// Only says what would be done
        #[arg(long)]
        dry_run: bool,
    },
    /// Looks at configuration, files, keys, clock and database, and says what to mend
    Doctor,
    /// Prints completions for a shell
    Completions {
        /// Which shell
        shell: clap_complete::Shell,
    },
    /// Prints the manual page
    Man,
}

#[derive(Debug, Subcommand)]
pub(crate) enum User {
    /// Makes a user
    Add {
        /// Login name
        name: String,
        /// Reads the password from the first line of the standard input instead of asking for it
        #[arg(long)]
        password_stdin: bool,
    },
    /// Lists users
    List,
    /// Shows a user
    Show(Name),
    /// Bans a user: out everywhere, and not in again until enabled
    Disable(Name),
    /// Lets a banned user sign in again
    Enable(Name),
    /// Asks the user's every session for the password again
    RequireReauth(Name),
    /// Ends all sessions of a user
    SignOut(Name),
    /// Sets a password, which ends all sessions of the user
    SetPassword {
        /// Login name or id
        name: String,
        /// Reads the password from the first line of the standard input instead of asking for it
        #[arg(long)]
        password_stdin: bool,
    },
}

#[derive(Debug, clap::Args)]
pub(crate) struct Name {
    /// Login name or id
    pub(crate) name: String,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Session {
    /// Lists sessions, newest first
    List {
        /// Only of this user (login name or id)
        #[arg(long)]
        user: Option<String>,
    },
    /// Shows a session
    Show {
        /// Its id
        sid: String,
    },
    /// Ends a session
    End {
        /// Its id
        sid: String,
    },
    /// Says for each session of a user whether it goes on, and if not, why and since when
    WhyEnded {
        /// Login name or id of the user
        user: String,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum Key {
    /// Lists signing keys and master keys
    List,
    /// Makes a new signing key now, or a new master key for the next start; nobody notices
    Rotate {
        #[command(flatten)]
        which: KeyUse,
    },
    /// Declares a key unsafe. A signing key: every token that it signed is refused, and all clients renew silently.
    /// A master key: the sessions that hang on it end
    Distrust {
        /// The key's id, as `key list` shows it [default: the signing key in use, or the only master key]
        kid: Option<String>,
        #[command(flatten)]
        which: KeyUse,
    },
}

/// Which kind of key.
#[derive(Clone, Copy, Debug, clap::Args)]
#[group(multiple = false)]
pub(crate) struct KeyUse {
    /// Keys that sign access tokens (the default)
    #[arg(long)]
    signing: bool,
    /// Master keys, which authenticate refresh tokens
    #[arg(long)]
    pub(crate) refresh: bool,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Client {
    /// Lists the clients of the configuration
    List,
    /// Draws a secret for a confidential client and prints it with the hash for the configuration
    Secret,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Config {
    /// Reads the configuration and names every fault in it
    Check,
    /// Says in words what a policy means for a user
    Explain {
        /// A policy of the configuration, or a preset [default: the policies of all clients]
        policy: Option<String>,
    },
    /// Writes a configuration to start from, and a master key
    Init {
        /// The address that browsers and APIs will use
        #[arg(long, value_name = "URL", default_value = "https://auth.example.com")]
        issuer: String,
    },
}

#[cfg(test)]
mod reference;
#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_command_line_does_not_contradict_itself() {
        Args::command().debug_assert();
    }

    #[test]
    fn a_restore_says_what_becomes_of_sessions() {
        assert!(Args::try_parse_from(["prolong", "restore", "b.db"]).is_err());
        assert!(
            Args::try_parse_from(["prolong", "restore", "b.db", "--keep-sessions", "--end-all"])
                .is_err()
        );
        assert!(Args::try_parse_from(["prolong", "restore", "b.db", "--end-all"]).is_ok());
    }

    #[test]
    fn a_key_is_of_one_kind() {
        let both = ["prolong", "key", "rotate", "--signing", "--refresh"];
        assert!(Args::try_parse_from(both).is_err());
        let distrust = ["prolong", "key", "distrust", "--refresh", "1"];
        assert!(matches!(
            Args::try_parse_from(distrust).unwrap().command,
            Command::Key(Key::Distrust { kid: Some(kid), which }) if kid == "1" && which.refresh
        ));
    }

    #[test]
    fn flags_go_before_or_after() {
        let args = Args::try_parse_from([
            "prolong",
            "user",
            "add",
            "maryo",
            "--password-stdin",
            "--output",
            "json",
        ]);
        assert_eq!(args.unwrap().output, Output::Json);
        let args = Args::try_parse_from([
            "prolong",
            "--data-dir",
            "d",
            "serve",
            "--listen",
            "127.0.0.1:0",
        ])
        .unwrap();
        assert!(
            matches!(args.command, Command::Serve { listen: Some(listen) } if listen.port() == 0)
        );
    }
}
