//! The faults that `scripts/plant` puts into a crate still fit it. A crate whose results are not all written yet can take this
//! file by its path; the others take the one above it.
#![expect(
    clippy::unwrap_used,
    reason = "a test fails by panicking, in its helpers too"
)]

use std::collections::BTreeSet;
use std::path::Path;

use serde::Deserialize;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Faults {
    pub(super) suites: toml::Table,
    #[serde(default, rename = "arguments")]
    _arguments: Vec<String>,
    pub(super) fault: Vec<Fault>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Fault {
    pub(super) name: String,
    file: String,
    find: String,
    replace: String,
}

pub(super) fn read(file: &str) -> String {
    let crate_root = Path::new(env!("CARGO_MANIFEST_DIR"));
    std::fs::read_to_string(crate_root.join(file)).unwrap()
}

pub(super) fn faults() -> Faults {
    toml::from_str(&read("tests/faults.toml")).unwrap()
}

#[test]
fn every_fault_fits_exactly_one_place() {
    let described = faults();
    assert!(!described.suites.is_empty(), "nothing could find them");
    let mut names = BTreeSet::new();
    for fault in described.fault {
        let found = read(&fault.file).matches(&fault.find).count();
        assert_eq!(found, 1, "{}: in {}", fault.name, fault.file);
        assert_ne!(fault.find, fault.replace, "{}", fault.name);
        assert!(names.insert(fault.name.clone()), "{} twice", fault.name);
    }
}
