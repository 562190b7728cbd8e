//! `PROLONG__LIMITS__CONNECTIONS=500` says what `connections = 500` under `[limits]` says, and wins.

use toml::{Table, Value};

use super::faults::Faults;

/// Puts what the environment says into the table. The master key comes back apart: it is no key of the file.
pub(super) fn apply(
    table: &mut Table,
    environment: impl Iterator<Item = (String, String)>,
    faults: &Faults,
) -> Option<String> {
    let mut master_key = None;
    for (name, text) in environment {
        let Some(path) = name.strip_prefix("PROLONG__") else {
            continue;
        };
        if path == "MASTER_KEY" {
            master_key = Some(text);
            continue;
        }
        let path = path.to_lowercase();
        let mut steps: Vec<&str> = path.split("__").collect();
        let last = steps.pop().unwrap_or_default();
        match place(table, &steps) {
            Ok(at) => {
                at.insert(last.to_owned(), value(text));
            }
            Err(step) => faults.add(
                &name,
                &format!("`{step}` is not a table: set it in the file"),
            ),
        }
    }
    master_key
}

/// The table at the end of these steps; `Err` names the one that leads nowhere.
fn place<'a, 'b>(table: &'a mut Table, steps: &[&'b str]) -> Result<&'a mut Table, &'b str> {
    let Some((step, rest)) = steps.split_first() else {
        return Ok(table);
    };
    match table
        .entry(*step)
        .or_insert_with(|| Value::Table(Table::new()))
    {
        Value::Table(next) => place(next, rest),
        _ => Err(step),
    }
}

/// As TOML where it is some, else as text: `500`, `true`, `["a", "b"]`, `15m`.
fn value(text: String) -> Value {
    let parsed: Option<Table> = format!("v = {text}").parse().ok();
    match parsed.and_then(|mut table| table.remove("v")) {
        Some(
            value @ (Value::Integer(_) | Value::Boolean(_) | Value::Array(_) | Value::String(_)),
        ) => value,
        _ => Value::String(text),
    }
}
