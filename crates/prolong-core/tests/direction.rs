//! Dependencies point one way, and the core is pure: it depends on nothing, and asks nobody for the time, for bytes or
//! for files. It is asked for decisions in one place.
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
    for (path, code) in sources("prolong-core") {
        for word in [
            "std::",
            "async ",
            ".await",
            "static mut",
            "thread_local",
            "Cell<",
        ] {
            assert!(!code.contains(word), "{}: {word}", path.display());
        }
    }
}

/// A store keeps, a handler translates; only the authority asks the core to decide.
#[test]
fn the_authority_alone_asks_for_decisions() {
    let mut asked = Vec::new();
    for name in MAY_KNOW.map(|(name, _)| name) {
        for (path, code) in sources(name) {
            for word in from_the_core(&code) {
                if ["decide", "make_room", "ended_by_password_change", "Event"].contains(&word) {
                    asked.push(path.strip_prefix(crates()).unwrap().to_owned());
                }
            }
        }
    }
    assert!(asked.len() > 5, "{asked:?}");
    asked.retain(|path| !path.starts_with("prolong-server/src/authority"));
    assert_eq!(asked, Vec::<std::path::PathBuf>::new());
}

/// Time, randomness, arguments and the environment come from the command, and from nowhere else but where it cannot be.
#[test]
fn the_command_alone_looks_around() {
    const EXCEPT: [(&str, &str); 3] = [
        // For services that bring neither.
        ("prolong-verify/src/clock.rs", "SystemTime::now"),
        ("prolong-verify/src/entropy.rs", "aws_lc_rs::rand"),
        // The library makes keys and signs with its own randomness only.
        ("prolong-server/src/keys/signer.rs", "aws_lc_rs::rand"),
    ];
    let mut looks = Vec::new();
    for name in MAY_KNOW.map(|(name, _)| name) {
        if name == "prolong-cli" {
            continue;
        }
        for (path, code) in sources(name) {
            let path = path.strip_prefix(crates()).unwrap();
            // A test may be told by the environment to write what it compares.
            if path.ends_with("tests.rs") {
                continue;
            }
            for word in [
                "env::",
                "SystemTime::now",
                "Timestamp::now",
                "Zoned::now",
                "aws_lc_rs::rand",
                "getrandom",
                "OsRng",
            ] {
                if code.contains(word) {
                    looks.push((path.to_str().unwrap().to_owned(), word));
                }
            }
        }
    }
    looks.sort();
    let mut except = EXCEPT.map(|(path, word)| (path.to_owned(), word));
    except.sort();
    assert_eq!(looks, except);
}

/// What is named after `prolong_core::`, in an import or elsewhere.
fn from_the_core(code: &str) -> impl Iterator<Item = &str> {
    code.split("prolong_core::").skip(1).flat_map(|rest| {
        let names = rest
            .strip_prefix('{')
            .and_then(|list| list.split('}').next());
        let ends = |c: char| !(c.is_alphanumeric() || c == '_');
        let first = || rest.split(ends).next().unwrap_or_default();
        names.unwrap_or_else(first).split(ends)
    })
}

/// A crate's own files, without their comments.
fn sources(of: &str) -> Vec<(std::path::PathBuf, String)> {
    let (mut found, mut folders) = (Vec::new(), vec![crates().join(of).join("src")]);
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let text = std::fs::read_to_string(&path).unwrap();
                let code = text.lines().map(|line| line.split("//").next().unwrap());
                found.push((path, code.collect::<Vec<_>>().join("\n")));
            }
        }
    }
    found
}
