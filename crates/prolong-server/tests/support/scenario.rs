//! A scenario file: the few forms of TOML that its README allows.

use std::collections::BTreeMap;
use std::path::Path;

pub(crate) struct Scenario {
    pub(crate) story: String,
    pub(crate) title: String,
    pub(crate) preset: String,
    /// What differs from the preset.
    pub(crate) policy: BTreeMap<String, String>,
    pub(crate) steps: Vec<Step>,
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
            preset: of("preset"),
            policy: policy.0,
            steps,
        }
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
