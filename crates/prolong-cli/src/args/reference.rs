//! `docs/reference/cli.md`, written from the help of each command.

use std::fmt::Write;
use std::path::Path;

use clap::{Arg, Command, CommandFactory};

use super::Args;

/// The page: the flags that go everywhere, then each command in the order of its help.
fn page() -> String {
    let mut command = Args::command();
    command.build();
    let mut page = String::from(
        "# The command line\n\nWritten from the commands' own help. `prolong COMMAND --help` says the same, `prolong man` is \
         the manual page.\n\n## Everywhere\n\n",
    );
    for flag in command.get_arguments().filter(|arg| arg.is_global_set()) {
        line(&mut page, flag);
    }
    for below in command.get_subcommands() {
        section(&mut page, "prolong", below);
    }
    page
}

/// A command that does something has a section; one that only holds others has none.
fn section(page: &mut String, above: &str, command: &Command) {
    if command.get_name() == "help" {
        return;
    }
    let name = format!("{above} {}", command.get_name());
    if command.has_subcommands() {
        for below in command.get_subcommands() {
            section(page, &name, below);
        }
        return;
    }
    let own: Vec<&Arg> = command
        .get_arguments()
        .filter(|arg| !arg.is_global_set() && !matches!(arg.get_id().as_str(), "help" | "version"))
        .collect();
    let usage = format!("{name}{}", usage(command, &own));
    let about = command
        .get_about()
        .expect("every command says what it does");
    let _ = write!(page, "\n## `{usage}`\n\n{about}.\n");
    if !own.is_empty() {
        page.push('\n');
    }
    for arg in own {
        line(page, arg);
    }
}

/// What follows the command: ` FILE [--flag] (--one | --other)`.
fn usage(command: &Command, own: &[&Arg]) -> String {
    let choices: Vec<&clap::ArgGroup> = command
        .get_groups()
        .filter(|group| group.get_args().count() > 1 && !(*group).clone().is_multiple())
        .collect();
    let mut words = Vec::new();
    for arg in own {
        let choice = choices
            .iter()
            .find(|choice| choice.get_args().any(|id| id == arg.get_id()));
        let (word, required) = match choice {
            None => (written(arg), arg.is_required_set()),
            // Said where its first one stands.
            Some(choice) if choice.get_args().next() == Some(arg.get_id()) => {
                let of_choice = own
                    .iter()
                    .filter(|arg| choice.get_args().any(|id| id == arg.get_id()));
                let either: Vec<String> = of_choice.map(|arg| written(arg)).collect();
                let either = either.join(" | ");
                let required = choice.is_required_set();
                (
                    if required {
                        format!("({either})")
                    } else {
                        either
                    },
                    required,
                )
            }
            Some(_) => continue,
        };
        words.push(if required {
            format!(" {word}")
        } else {
            format!(" [{word}]")
        });
    }
    words.concat()
}

fn line(page: &mut String, arg: &Arg) {
    let help = arg.get_help().expect("every argument says what it is for");
    let _ = write!(page, "- `{}`: {help}", written(arg));
    let values: Vec<String> = arg
        .get_possible_values()
        .iter()
        .filter(|value| arg.get_action().takes_values() && !value.is_hide_set())
        .map(|value| format!("`{}`", value.get_name()))
        .collect();
    if !values.is_empty() {
        let _ = write!(page, ": {}", values.join(", "));
    }
    if let [default] = arg.get_default_values()
        && arg.get_action().takes_values()
    {
        let _ = write!(page, " [default: {}]", default.to_string_lossy());
    }
    if let Some(name) = arg.get_env() {
        let _ = write!(page, " [environment: {}]", name.to_string_lossy());
    }
    page.push('\n');
}

/// `--listen <ADDRESS>`, `--dry-run`, `<FILE>`: as the help shows it.
fn written(arg: &Arg) -> String {
    let values = arg.get_value_names().unwrap_or_default();
    let value = values.first().filter(|_| arg.get_action().takes_values());
    match (arg.get_long(), value) {
        (Some(long), Some(value)) => format!("--{long} <{value}>"),
        (Some(long), None) => format!("--{long}"),
        (None, Some(value)) => format!("<{value}>"),
        (None, None) => arg.get_id().to_string(),
    }
}

#[test]
fn the_reference_of_the_command_line_is_fresh() {
    let fresh = page();
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/reference/cli.md");
    if std::env::var_os("PROLONG_WRITE_REFERENCE").is_some() {
        std::fs::write(&path, &fresh).unwrap();
    }
    let committed = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        committed == fresh,
        "run: PROLONG_WRITE_REFERENCE=1 cargo test -p prolong-cli --bin prolong command_line"
    );
}
