//! The faults that `scripts/plant` puts into this crate still fit it, and their results are written down.
#![expect(
    clippy::unwrap_used,
    reason = "a test fails by panicking, in its helpers too"
)]

use std::collections::BTreeSet;
use std::path::Path;

use serde::Deserialize;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Faults {
    #[serde(rename = "suites")]
    _suites: toml::Table,
    #[serde(rename = "arguments")]
    _arguments: Vec<String>,
    fault: Vec<Fault>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Fault {
    name: String,
    file: String,
    find: String,
    replace: String,
}

fn read(file: &str) -> String {
    let crate_root = Path::new(env!("CARGO_MANIFEST_DIR"));
    std::fs::read_to_string(crate_root.join(file)).unwrap()
}

fn faults() -> Faults {
    toml::from_str(&read("tests/faults.toml")).unwrap()
}

#[test]
fn every_fault_fits_exactly_one_place() {
    let mut names = BTreeSet::new();
    for fault in faults().fault {
        let found = read(&fault.file).matches(&fault.find).count();
        assert_eq!(found, 1, "{}: in {}", fault.name, fault.file);
        assert_ne!(fault.find, fault.replace, "{}", fault.name);
        assert!(names.insert(fault.name.clone()), "{} twice", fault.name);
    }
}
