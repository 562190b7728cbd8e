//! Dependencies point one way, and the core is pure: it depends on nothing, and asks nobody for the time, for bytes or
//! for files.
#![expect(clippy::unwrap_used, reason = "a test's helper fails as the test does")]

use std::collections::BTreeMap;
use std::path::Path;

/// Each crate, and those of the house that it may know.
const MAY_KNOW: [(&str, &[&str]); 7] = [
    ("prolong-core", &[]),
    ("prolong-protocol", &[]),
    ("prolong-store", &["prolong-core"]),
    ("prolong-verify", &["prolong-protocol"]),
    (
        "prolong-server",
        &[
            "prolong-core",
            "prolong-protocol",
            "prolong-store",
            "prolong-verify",
        ],
    ),
    (
        "prolong-cli",
        &[
            "prolong-core",
            "prolong-protocol",
            "prolong-server",
            "prolong-store",
            "prolong-verify",
        ],
    ),
    (
        "prolong-fuzz",
        &[
            "prolong-core",
            "prolong-protocol",
            "prolong-server",
            "prolong-store",
            "prolong-verify",
        ],
    ),
];

fn crates() -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn manifest(of: &str) -> toml::Table {
    let text = std::fs::read_to_string(crates().join(of).join("Cargo.toml")).unwrap();
    text.parse().unwrap()
}

fn dependencies(of: &str) -> Vec<String> {
    let manifest = manifest(of);
    let named = |table: &str| {
        manifest
            .get(table)
            .and_then(|found| found.as_table())
            .cloned()
    };
    let all = ["dependencies", "build-dependencies"].map(|table| named(table).unwrap_or_default());
    all.iter().flat_map(|table| table.keys().cloned()).collect()
}

#[test]
fn dependencies_point_one_way() {
    let may_know = BTreeMap::from(MAY_KNOW);
    for entry in std::fs::read_dir(crates()).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        let allowed = may_know
            .get(&*name)
            .unwrap_or_else(|| panic!("{name} has no line"));
        for dependency in dependencies(&name) {
            let ours = dependency.starts_with("prolong");
            assert!(
                !ours || allowed.contains(&&*dependency),
                "{name} knows {dependency}"
            );
        }
    }
}

/// What is left of the standard library without its name is `core` and the prelude's collections.
#[test]
fn the_core_is_pure() {
    assert_eq!(dependencies("prolong-core"), Vec::<String>::new());
    let mut folders = vec![crates().join("prolong-core/src")];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            for line in std::fs::read_to_string(&path).unwrap().lines() {
                let code = line.split("//").next().unwrap();
                for word in [
                    "std::",
                    "async ",
                    ".await",
                    "static mut",
                    "thread_local",
                    "Cell<",
                ] {
                    assert!(!code.contains(word), "{}: {line}", path.display());
                }
            }
        }
    }
}
