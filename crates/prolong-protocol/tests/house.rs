//! The house keeps its shape: dependencies point one way, and no room is a lumber room.

use std::path::{Path, PathBuf};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// The workspace's own crates that a crate's `[dependencies]` name.
fn own_dependencies(manifest: &str) -> Vec<String> {
    let mut inside = false;
    let mut found = Vec::new();
    for line in manifest.lines() {
        if line.starts_with('[') {
            inside = line.trim() == "[dependencies]";
        } else if inside && line.starts_with("prolong-") {
            let name = line.split(['.', ' ', '=']).next().unwrap_or_default();
            found.push(name.to_owned());
        }
    }
    found
}

#[test]
fn dependencies_point_one_way() {
    let allowed: &[(&str, &[&str])] = &[
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
                "prolong-store",
                "prolong-server",
                "prolong-verify",
            ],
        ),
        (
            "prolong-fuzz", // for tests alone
            &[
                "prolong-core",
                "prolong-protocol",
                "prolong-store",
                "prolong-server",
                "prolong-verify",
            ],
        ),
    ];
    let crates: Vec<String> = std::fs::read_dir(root().join("crates"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    for name in crates {
        let (_, may) = allowed
            .iter()
            .find(|(known, _)| *known == name)
            .unwrap_or_else(|| panic!("{name} has no place in ARCHITECTURE.md"));
        let manifest =
            std::fs::read_to_string(root().join("crates").join(&name).join("Cargo.toml")).unwrap();
        for dependency in own_dependencies(&manifest) {
            assert!(
                may.contains(&dependency.as_str()),
                "{name} must not depend on {dependency}"
            );
        }
    }
}

#[test]
fn a_dependency_is_seen() {
    let manifest = "[dependencies]\nprolong-store.workspace = true\nserde = \"1\"\n[dev-dependencies]\nprolong-cli = 1\n";
    assert_eq!(own_dependencies(manifest), ["prolong-store"]);
}

#[test]
fn the_core_names_no_outside() {
    for entry in std::fs::read_dir(root().join("crates/prolong-core/src")).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|extension| extension == "rs") {
            let text = std::fs::read_to_string(&path).unwrap();
            for outside in [
                "std::time",
                "std::fs",
                "std::net",
                "std::env",
                "async fn",
                "rand::",
            ] {
                assert!(
                    !text.contains(outside),
                    "{} names {outside}",
                    path.display()
                );
            }
        }
    }
}
