//! `prolong doctor`: looks, changes nothing, and says what to mend.

mod authority;
mod files;
mod network;

use serde_json::{Value, json};

use crate::config::{Config, Overrides};
use crate::door::{Door, socket_path};
use crate::out::Out;

pub(super) async fn run(overrides: &Overrides, out: Out) -> anyhow::Result<()> {
    let mut findings = Findings::default();
    match Config::load(overrides) {
        Ok(config) => {
            let from = config.file.as_ref().map_or_else(
                || "development mode".to_owned(),
                |file| file.display().to_string(),
            );
            findings.good("configuration", from);
            look(&config, &mut findings).await;
        }
        Err(error) => findings.bad("configuration", &error),
    }
    findings.tell(out)
}

async fn look(config: &Config, findings: &mut Findings) {
    network::settings(config, findings);
    files::look(config, findings);
    // A log without its database is of one that is gone, and nothing starts beside it.
    let has_database = ["prolong.db", "prolong.db-wal"]
        .iter()
        .any(|name| config.data_dir.join(name).exists());
    if !has_database && !socket_path(&config.data_dir).exists() {
        findings.good("database", "none yet; the first start makes it");
        return;
    }
    match Door::open(config).await {
        Ok(door) => {
            let running = matches!(door, Door::Socket(..));
            if running {
                findings.good("server", "runs");
                network::issuer(config, &door, findings).await;
            } else {
                findings.good("server", "does not run");
            }
            authority::look(config, &door, findings).await;
        }
        Err(error) => findings.bad("database", &error),
    }
}

/// What was found, in the order in which it was looked at.
#[derive(Default)]
struct Findings(Vec<Finding>);

struct Finding {
    what: &'static str,
    level: Level,
    found: String,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Level {
    Good,
    /// Works, and will be regretted.
    Warning,
    /// Does not work, or is not safe.
    Bad,
}

impl Level {
    const fn word(self) -> &'static str {
        match self {
            Self::Good => "ok",
            Self::Warning => "warn",
            Self::Bad => "BAD",
        }
    }
}

impl Findings {
    fn good(&mut self, what: &'static str, found: impl Into<String>) {
        self.note(what, Level::Good, found.into());
    }

    fn warn(&mut self, what: &'static str, found: impl Into<String>) {
        self.note(what, Level::Warning, found.into());
    }

    fn bad(&mut self, what: &'static str, found: &anyhow::Error) {
        self.note(what, Level::Bad, format!("{found:#}"));
    }

    fn result(&mut self, what: &'static str, found: anyhow::Result<String>) {
        match found {
            Ok(found) => self.good(what, found),
            Err(error) => self.bad(what, &error),
        }
    }

    fn note(&mut self, what: &'static str, level: Level, found: String) {
        self.0.push(Finding { what, level, found });
    }

    fn tell(self, out: Out) -> anyhow::Result<()> {
        let count = |level| {
            self.0
                .iter()
                .filter(|finding| finding.level == level)
                .count()
        };
        let (bad, warnings) = (count(Level::Bad), count(Level::Warning));
        let text: Vec<String> = self
            .0
            .iter()
            .map(|finding| {
                let (level, what) = (finding.level.word(), finding.what);
                format!(
                    "{level:<4} {what:<14} {}",
                    finding.found.replace('\n', "\n                    ")
                )
            })
            .collect();
        let facts: Vec<Value> = self
            .0
            .iter()
            .map(|finding| {
                json!({
                    "what": finding.what,
                    "level": finding.level.word().to_lowercase(),
                    "ok": finding.level != Level::Bad,
                    "found": finding.found,
                })
            })
            .collect();
        out.facts(
            &json!({ "ok": bad == 0, "warnings": warnings, "findings": facts }),
            &text.join("\n"),
        );
        if bad == 0 {
            Ok(())
        } else {
            anyhow::bail!("{bad} of {} must be mended", self.0.len())
        }
    }
}
