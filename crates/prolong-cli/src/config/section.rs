//! A table of the configuration, read key by key: what is asked for is known, what is left over is a fault.

use std::net::SocketAddr;
use std::ops::RangeInclusive;
use std::time::Duration;

use prolong_core::Limit;
use toml::{Table, Value};

use super::faults::Faults;
use super::{span, suggest};

/// A table, its place, and what was asked of it.
pub(super) struct Section {
    path: String,
    table: Table,
    known: Vec<&'static str>,
    faults: Faults,
}

impl Section {
    pub(super) fn root(table: Table, faults: &Faults) -> Self {
        Self::at("", table, faults)
    }

    fn at(path: &str, table: Table, faults: &Faults) -> Self {
        Self {
            path: path.to_owned(),
            table,
            known: Vec::new(),
            faults: faults.clone(),
        }
    }

    pub(super) fn faults(&self) -> &Faults {
        &self.faults
    }

    /// Notes a fault of a key of this table.
    pub(super) fn fault(&self, key: &str, message: &str) {
        self.faults.add(&self.full(key), message);
    }

    /// Whether a fault of this key was noted.
    pub(super) fn has_fault(&self, key: &str) -> bool {
        self.faults.has(&self.full(key))
    }

    pub(super) fn string(&mut self, key: &'static str) -> Option<String> {
        match self.take(key)? {
            Value::String(text) if !text.is_empty() => Some(text),
            Value::String(_) => self.wrong(key, "is empty: leave it out, or say something"),
            _ => self.wrong(key, "must be a text in quotes"),
        }
    }

    pub(super) fn bool(&mut self, key: &'static str) -> Option<bool> {
        match self.take(key)? {
            Value::Boolean(value) => Some(value),
            _ => self.wrong(key, "must be true or false, without quotes"),
        }
    }

    /// A whole number of this type, in this range.
    pub(super) fn count<N: TryFrom<i64>>(
        &mut self,
        key: &'static str,
        range: RangeInclusive<i64>,
    ) -> Option<N> {
        let number = match self.take(key)? {
            Value::Integer(number) if range.contains(&number) => N::try_from(number).ok(),
            _ => None,
        };
        number.or_else(|| {
            let (least, most) = (range.start(), range.end());
            self.wrong(
                key,
                &format!(
                    "must be a whole number, at least {least} and at most {most}, without quotes"
                ),
            )
        })
    }

    pub(super) fn duration(&mut self, key: &'static str) -> Option<Duration> {
        let text = self.span_text(key)?;
        if text == "never" {
            return self.wrong(key, "cannot be \"never\"");
        }
        span::parse(&text)
            .map_err(|message| self.fault(key, &message))
            .ok()
    }

    pub(super) fn limit(&mut self, key: &'static str) -> Option<Limit> {
        let text = self.span_text(key)?;
        if text == "never" {
            return Some(Limit::Never);
        }
        span::parse(&text)
            .map(Limit::After)
            .map_err(|message| self.fault(key, &message))
            .ok()
    }

    fn span_text(&mut self, key: &'static str) -> Option<String> {
        match self.take(key)? {
            Value::String(text) => Some(text),
            Value::Integer(number) => self.wrong(key, &format!("needs a unit: \"{number}s\", \"{number}m\", \"{number}h\", \"{number}d\" or \"{number}w\"")),
            _ => self.wrong(key, "must be a duration in quotes, like \"15m\""),
        }
    }

    /// One word of a closed list.
    pub(super) fn word<T>(
        &mut self,
        key: &'static str,
        parse: impl Fn(&str) -> Option<T>,
        words: &[&str],
    ) -> Option<T> {
        let text = self.string(key)?;
        parse(&text).or_else(|| self.unknown_word(key, &text, words))
    }

    pub(super) fn unknown_word<T>(&self, key: &str, text: &str, words: &[&str]) -> Option<T> {
        let hint = suggest::hint(text, words);
        self.wrong(key, &format!("\"{text}\" is not known; {hint}"))
    }

    /// One text, or a list of texts.
    pub(super) fn strings(&mut self, key: &'static str) -> Vec<String> {
        let texts = match self.take(key) {
            None => Some(Vec::new()),
            Some(Value::String(text)) => Some(vec![text]),
            Some(Value::Array(list)) => list
                .into_iter()
                .map(|item| {
                    if let Value::String(text) = item {
                        Some(text)
                    } else {
                        None
                    }
                })
                .collect(),
            Some(_) => None,
        };
        match texts {
            Some(texts) if texts.iter().all(|text| !text.is_empty()) => texts,
            _ => self
                .wrong(key, "must be a text in quotes, or a list of such")
                .unwrap_or_default(),
        }
    }

    pub(super) fn address(&mut self, key: &'static str) -> Option<SocketAddr> {
        let text = self.string(key)?;
        let text = text
            .strip_prefix("localhost:")
            .map_or(text.clone(), |port| format!("127.0.0.1:{port}"));
        let address = text.parse().ok();
        address.or_else(|| {
            self.wrong(
                key,
                "must be an address with a port, like \"127.0.0.1:8080\" or \"[::]:8080\"",
            )
        })
    }

    /// A table in this one.
    pub(super) fn section(&mut self, key: &'static str) -> Option<Self> {
        match self.take(key)? {
            Value::Table(table) => Some(Self::at(&self.full(key), table, &self.faults)),
            _ => self.wrong(key, &format!("must be a table: [{key}]")),
        }
    }

    /// An empty table, for where none was written.
    pub(super) fn empty(&self, key: &str) -> Self {
        Self::at(&self.full(key), Table::new(), &self.faults)
    }

    /// The tables in the table `key`, by name: `[policies.orders]`.
    pub(super) fn named(&mut self, key: &'static str) -> Vec<(String, Self)> {
        let Some(section) = self.section(key) else {
            return Vec::new();
        };
        let mut found = Vec::new();
        let at = |name: &str| section.full(name);
        for (name, value) in section.table.clone() {
            let at = at(&name);
            match value {
                Value::Table(table) => found.push((name, Self::at(&at, table, &self.faults))),
                _ => self.faults.add(&at, &format!("must be a table: [{at}]")),
            }
        }
        found
    }

    /// The tables of a list: `[[clients]]`.
    pub(super) fn list(&mut self, key: &'static str) -> Vec<Self> {
        let items = match self.take(key) {
            None => return Vec::new(),
            Some(Value::Array(items)) => items,
            Some(_) => {
                self.fault(key, &format!("must be a list of tables: [[{key}]]"));
                return Vec::new();
            }
        };
        let mut found = Vec::new();
        for (i, value) in items.into_iter().enumerate() {
            let named = value
                .get("id")
                .and_then(Value::as_str)
                .filter(|id| !id.contains(char::is_control))
                .map(ToOwned::to_owned);
            let at = format!(
                "{}[{}]",
                self.full(key),
                named.unwrap_or_else(|| (i + 1).to_string())
            );
            match value {
                Value::Table(table) => found.push(Self::at(&at, table, &self.faults)),
                _ => self.faults.add(&at, "must be a table"),
            }
        }
        found
    }

    /// A key that is understood but not supported.
    pub(super) fn not_yet(&mut self, key: &'static str, message: &str) {
        if self.table.remove(key).is_some() {
            self.fault(key, message);
        }
    }

    /// Names what nobody asked for.
    pub(super) fn finish(self) {
        for key in self.table.keys() {
            let hint = suggest::nearest(key, &self.known).map_or_else(
                || format!("known here: {}", self.known.join(", ")),
                |known| format!("did you mean `{known}`?"),
            );
            self.fault(key, &format!("is not a key of the configuration; {hint}"));
        }
    }

    fn take(&mut self, key: &'static str) -> Option<Value> {
        self.known.push(key);
        self.table.remove(key)
    }

    fn wrong<T>(&self, key: &str, message: &str) -> Option<T> {
        self.fault(key, message);
        None
    }

    fn full(&self, key: &str) -> String {
        let bare = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
        let key = if !key.is_empty() && key.chars().all(bare) {
            key.to_owned()
        } else {
            format!("{key:?}") // as TOML has it
        };
        if self.path.is_empty() {
            key
        } else {
            format!("{}.{key}", self.path)
        }
    }
}
