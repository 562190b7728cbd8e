//! A scenario file: the few forms of TOML that its README allows.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use prolong_core::{Limit, Policy, PolicyDraft, Preset};

pub(crate) struct Scenario {
    pub(crate) story: String,
    pub(crate) title: String,
    pub(crate) steps: Vec<Step>,
    head: Step,
    policy: Step,
}

/// A table of `key = value`, values without their quotes.
#[derive(Debug, Default)]
pub(crate) struct Step(BTreeMap<String, String>);

impl Step {
    pub(crate) fn text(&self, key: &str) -> Option<&str> {
        self.0.get(key).map(String::as_str)
    }

    pub(crate) fn number(&self, key: &str) -> Option<u64> {
        self.text(key).map(|number| number.parse().unwrap())
    }
}

impl Scenario {
    pub(crate) fn read(path: &Path) -> Self {
        let text = std::fs::read_to_string(path).unwrap();
        let (mut head, mut policy, mut steps) = (Step::default(), Step::default(), Vec::new());
        let mut section = "";
        for line in text
            .lines()
            .map(str::trim)
            .filter(|line| !line.is_empty() && !line.starts_with('#'))
        {
            if line.starts_with('[') {
                section = line;
                if line == "[[step]]" {
                    steps.push(Step::default());
                }
                continue;
            }
            let (key, value) = line.split_once(" = ").unwrap();
            let table = match section {
                "" => &mut head,
                "[policy]" => &mut policy,
                "[[step]]" => steps.last_mut().unwrap(),
                other => panic!("{}: no such section: {other}", path.display()),
            };
            let quoted = value
                .strip_prefix('"')
                .and_then(|value| value.strip_suffix('"'));
            table
                .0
                .insert(key.to_owned(), quoted.unwrap_or(value).to_owned());
        }
        let of = |key| head.text(key).unwrap().to_owned();
        Self {
            story: of("story"),
            title: of("title"),
            steps,
            head,
            policy,
        }
    }

    pub(crate) fn policy(&self) -> Policy {
        let preset = Preset::parse(self.head.text("preset").unwrap());
        let limit = |text| Limit::After(Duration::from_secs(span(text)));
        let mut draft = PolicyDraft {
            preset,
            ..PolicyDraft::default()
        };
        for (key, value) in &self.policy.0 {
            match &**key {
                "access" => draft.access = Some(Duration::from_secs(span(value))),
                "idle" => draft.idle = Some(limit(value)),
                "lifetime" => draft.lifetime = Some(limit(value)),
                "supersede" => draft.supersede = Some(value == "true"),
                "replace_others" => draft.replace_others = Some(value == "true"),
                "sessions_per_user" => draft.sessions_per_user = Some(value.parse().unwrap()),
                other => panic!("no such policy key in scenarios: {other}"),
            }
        }
        draft.build().unwrap()
    }
}

/// A span as written, in seconds.
pub(crate) fn span(text: &str) -> u64 {
    let (number, unit) = text.split_at(text.len() - 1);
    let unit = match unit {
        "s" => 1,
        "m" => 60,
        "h" => 3_600,
        "d" => 86_400,
        "w" => 604_800,
        _ => panic!("no such span: {text}"),
    };
    number.parse::<u64>().unwrap() * unit
}
