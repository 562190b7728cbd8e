//! The committed files are what the closed lists say.

use std::path::Path;

fn committed(path: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../..")
        .join(path);
    std::fs::read_to_string(&path).unwrap_or_default()
}

#[test]
fn the_reference_page_is_fresh() {
    assert_eq!(
        committed("docs/reference/problems.md"),
        prolong_protocol::generated::problems_page(),
        "run: cargo run -p prolong-protocol --example generate"
    );
}

#[test]
fn the_typescript_codes_are_fresh() {
    assert_eq!(
        committed("clients/typescript/src/generated/codes.ts"),
        prolong_protocol::generated::typescript_codes(),
        "run: cargo run -p prolong-protocol --example generate"
    );
}

#[test]
fn the_typescript_problems_are_fresh() {
    assert_eq!(
        committed("clients/typescript/src/generated/problems.ts"),
        prolong_protocol::generated::typescript_problems(),
        "run: cargo run -p prolong-protocol --example generate"
    );
}
