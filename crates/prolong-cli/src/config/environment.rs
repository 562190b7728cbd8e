//! `PROLONG__LIMITS__CONNECTIONS=500` says what `connections = 500` under `[limits]` says, and wins.
//!
//! A client is named by its id, a policy by its name: `PROLONG__CLIENTS__WEB__ORIGINS`. Capitals count as small letters
//! and whatever a variable's name cannot hold as `_`, so that `my-app` is `MY_APP`.

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
        if last.is_empty() || steps.contains(&"") {
            faults.add(
                &name,
                "names no key: write PROLONG__LISTEN, or PROLONG__LIMITS__CONNECTIONS",
            );
            continue;
        }
        match place(table, &steps) {
            Ok(at) => {
                let key = spelled(at, last);
                at.insert(key, value(text));
            }
            Err(wrong) => faults.add(&name, &wrong),
        }
    }
    master_key
}

/// The table at the end of these steps; `Err` says what is wrong with the step that leads nowhere.
fn place<'a>(table: &'a mut Table, steps: &[&str]) -> Result<&'a mut Table, String> {
    let Some((step, rest)) = steps.split_first() else {
        return Ok(table);
    };
    let key = spelled(table, step);
    let next = table
        .entry(&key)
        .or_insert_with(|| Value::Table(Table::new()));
    match next {
        Value::Table(next) => place(next, rest),
        Value::Array(items) => {
            let Some((id, rest)) = rest.split_first() else {
                return Err(format!("`{key}` is a list: name one by its id"));
            };
            let named = items
                .iter_mut()
                .filter_map(Value::as_table_mut)
                .find(|item| {
                    let known = item.get("id").and_then(Value::as_str);
                    known.is_some_and(|known| folded(known) == folded(id))
                });
            match named {
                Some(item) => place(item, rest),
                None => Err(format!(
                    "`{key}` has none with the id \"{id}\": add it to the file"
                )),
            }
        }
        _ => Err(format!("`{key}` is not a table: set it in the file")),
    }
}

/// The key of the table that is meant by a name of the environment; itself where there is none.
fn spelled(table: &Table, step: &str) -> String {
    let known = table.keys().find(|key| folded(key) == folded(step));
    known.map_or_else(|| step.to_owned(), Clone::clone)
}

fn folded(name: &str) -> String {
    let fold = |c: char| {
        if c.is_ascii_alphanumeric() {
            c.to_ascii_lowercase()
        } else {
            '_'
        }
    };
    name.chars().map(fold).collect()
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
