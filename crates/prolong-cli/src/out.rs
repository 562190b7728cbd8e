//! The one module that prints. A reader who goes away (`| head`) is no fault.

use std::borrow::Cow;
use std::fmt::Write as _;
use std::io::Write as _;
use std::process::ExitCode;

use serde_json::{Value, json};

use crate::args::Output;
use crate::config::ConfigFaults;
use crate::door::Refused;

/// How the reader calls this program again: it need not be on the path.
pub(crate) fn this_program() -> String {
    std::env::current_exe().map_or_else(|_| "prolong".to_owned(), |path| path.display().to_string())
}

/// Where results go.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Out {
    json: bool,
}

impl Out {
    pub(crate) fn new(output: Output) -> Self {
        Self {
            json: output == Output::Json,
        }
    }

    /// A sentence for people; machines get it as `{"message": …}`.
    pub(crate) fn say(self, text: &str) {
        if self.json {
            self.raw(&json!({ "message": text }).to_string());
        } else {
            self.raw(text);
        }
    }

    /// Facts: as they are for machines, `text` for people.
    pub(crate) fn facts(self, facts: &Value, text: &str) {
        if self.json {
            self.raw(&facts.to_string());
        } else {
            self.raw(text);
        }
    }

    /// One object: a line per member for people.
    pub(crate) fn object(self, object: &Value) {
        let mut text = String::new();
        for (name, value) in object.as_object().into_iter().flatten() {
            // Writing to a String cannot fail.
            let _ = writeln!(text, "{name:<18} {}", plain(value));
        }
        self.facts(object, text.trim_end());
    }

    /// A list: a table of these columns for people.
    pub(crate) fn table(self, items: &[Value], columns: &[&str]) {
        let cell = |item: &Value, column: &str| item.get(column).map_or_else(String::new, plain);
        let width = |column: &&str| {
            items
                .iter()
                .map(|item| cell(item, column).chars().count())
                .max()
                .unwrap_or(0)
                .max(column.len())
        };
        let widths: Vec<usize> = columns.iter().map(width).collect();
        let row = |cells: Vec<String>| {
            let padded = cells
                .iter()
                .zip(&widths)
                .map(|(cell, width)| format!("{cell:<width$}"));
            padded.collect::<Vec<_>>().join("  ").trim_end().to_owned()
        };
        let mut lines = vec![row(columns
            .iter()
            .map(|column| column.replace('_', " "))
            .collect())];
        lines.extend(
            items
                .iter()
                .map(|item| row(columns.iter().map(|column| cell(item, column)).collect())),
        );
        let text = if items.is_empty() {
            "none".to_owned()
        } else {
            lines.join("\n")
        };
        self.facts(&Value::from(items.to_vec()), &text);
    }

    /// This, and a line's end.
    #[expect(clippy::unused_self, reason = "whoever prints has been given an `Out`")]
    pub(crate) fn raw(self, text: &str) {
        let _ = writeln!(anstream::stdout(), "{}", in_reading_order(text));
    }

    /// Exactly these bytes.
    #[expect(clippy::unused_self, reason = "whoever prints has been given an `Out`")]
    pub(crate) fn bytes(self, bytes: &[u8]) {
        let _ = std::io::stdout().write_all(bytes);
    }

    /// Says on the standard error why the command failed.
    pub(crate) fn failed(self, error: &anyhow::Error) -> ExitCode {
        let text = format!("{error:#}");
        let text = if self.json {
            as_json(error, &text).to_string()
        } else {
            format!("prolong: {text}")
        };
        let _ = writeln!(anstream::stderr(), "{}", in_reading_order(&text));
        ExitCode::FAILURE
    }
}

/// Says what is wrong with the command line, or prints the help that was asked for.
pub(crate) fn usage(error: &clap::Error) -> ExitCode {
    let mut words = std::env::args_os().map(|word| word.to_string_lossy().into_owned());
    let mut json = false;
    while let Some(word) = words.next() {
        json |= word == "--output=json"
            || (word == "--output" && words.next().as_deref() == Some("json"));
    }
    if json && error.use_stderr() {
        let text = error.to_string();
        let text = text.trim_start_matches("error: ").trim_end();
        let _ = writeln!(anstream::stderr(), "{}", json!({ "error": text }));
    } else {
        let _ = error.print();
    }
    // What clap itself would exit with: 2 for a fault, 0 for help.
    u8::try_from(error.exit_code()).map_or(ExitCode::FAILURE, ExitCode::from)
}

/// `{"error": …}`, with the problem code of the authority or the list of a configuration's faults where there is one.
fn as_json(error: &anyhow::Error, text: &str) -> Value {
    if let Some(faults) = error.downcast_ref::<ConfigFaults>() {
        let list = faults.list.iter();
        let list: Vec<Value> = list
            .map(|(key, message)| json!({ "key": key, "message": message }))
            .collect();
        return json!({ "error": text, "faults": list });
    }
    match error.downcast_ref::<Refused>() {
        Some(refused) => json!({ "error": text, "status": refused.status, "code": refused.code }),
        None => json!({ "error": text }),
    }
}

/// Users name their devices. What turns the order of a line around, or begins another, is written as JSON would, so that it
/// is the same to machines and harmless in a terminal.
fn in_reading_order(text: &str) -> Cow<'_, str> {
    let turns = |c| matches!(c, '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    if !text.contains(turns) {
        return text.into();
    }
    let mut harmless = String::with_capacity(text.len() + 5);
    for c in text.chars() {
        if turns(c) {
            // Writing to a String cannot fail.
            let _ = write!(harmless, "\\u{:04x}", u32::from(c));
        } else {
            harmless.push(c);
        }
    }
    harmless.into()
}

fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Null => "–".to_owned(),

        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_name_turns_a_line_around() {
        let named = json!({ "device_name": "phone\u{202e}\u{2028}eurt", "hebrew": "\u{5d0}" });
        let told = in_reading_order(&named.to_string()).into_owned();
        assert!(
            told.contains(r"phone\u202e\u2028eurt") && told.contains('\u{5d0}'),
            "{told}"
        );
        assert_eq!(serde_json::from_str::<Value>(&told).unwrap(), named);
    }
}
