//! What the command line says.

use std::path::PathBuf;
use std::time::Duration;

/// Sizes and times, each bench with its own defaults.
pub(crate) struct Options {
    pub(crate) what: String,
    pub(crate) sessions: Option<u64>,
    pub(crate) seconds: Option<u64>,
    pub(crate) clients: Option<Vec<usize>>,
    pub(crate) algorithms: Option<Vec<String>>,
    pub(crate) server: PathBuf,
}

impl Options {
    pub(crate) fn parse(given: impl Iterator<Item = String>) -> Self {
        let mut options = Self {
            what: String::new(),
            sessions: None,
            seconds: None,
            clients: None,
            algorithms: None,
            server: env!("CARGO_BIN_EXE_prolong").into(),
        };
        let mut given = given.filter(|word| word != "--bench");
        while let Some(word) = given.next() {
            if !word.starts_with("--") {
                options.what = word;
                continue;
            }
            let value = given.next().unwrap();
            let list = || value.split(',');
            match word.as_str() {
                "--sessions" => options.sessions = Some(value.parse().unwrap()),
                "--seconds" => options.seconds = Some(value.parse().unwrap()),
                "--clients" => {
                    options.clients = Some(list().map(|one| one.parse().unwrap()).collect());
                }
                "--server" => options.server = value.into(),
                "--algorithms" => {
                    options.algorithms = Some(list().map(str::to_owned).collect());
                }
                _ => panic!("there is no option {word}"),
            }
        }
        options
    }

    pub(crate) fn sessions(&self, otherwise: u64) -> u64 {
        self.sessions.unwrap_or(otherwise)
    }

    pub(crate) fn time(&self, seconds: u64) -> Duration {
        Duration::from_secs(self.seconds.unwrap_or(seconds))
    }

    pub(crate) fn clients(&self, otherwise: &[usize]) -> Vec<usize> {
        self.clients.clone().unwrap_or_else(|| otherwise.to_vec())
    }

    pub(crate) fn algorithms(&self) -> Vec<String> {
        let both = || vec!["EdDSA".to_owned(), "ES256".to_owned()];
        self.algorithms.clone().unwrap_or_else(both)
    }
}
