//! `prolong migrate`

use prolong_store::{SqliteStore, schema_version};
use serde_json::json;

use crate::config::Config;
use crate::house;
use crate::out::Out;

pub(super) fn run(config: &Config, dry_run: bool, out: Out) -> anyhow::Result<()> {
    let newest = schema_version();
    let before = SqliteStore::schema_of(&config.data_dir)?;
    let at = config.data_dir.display();
    let text = match before {
        None => format!("there is no database in {at} yet; the first start makes it"),
        Some(before) if before == newest => {
            format!(
                "the database in {at} has schema {newest} already, the newest that this version knows"
            )
        }
        // A newer schema is refused by whoever opens it, with a sentence of its own.
        Some(before) if dry_run && before < newest => {
            format!(
                "the database in {at} would go from schema {before} to {newest}; make a backup first"
            )
        }
        Some(before) => {
            // Opening it migrates it, in one transaction.
            drop(house::open_store(config)?);
            format!("the database in {at} went from schema {before} to {newest}")
        }
    };
    let after = if dry_run {
        before
    } else {
        before.map(|_| newest)
    };
    out.facts(
        &json!({ "from": before, "to": after, "newest": newest }),
        &text,
    );
    Ok(())
}
