//! Writes the files that are generated from the closed lists.

use std::path::Path;

fn main() -> std::io::Result<()> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let files = [
        (
            "docs/reference/problems.md",
            prolong_protocol::generated::problems_page(),
        ),
        (
            "clients/typescript/src/generated/codes.ts",
            prolong_protocol::generated::typescript_codes(),
        ),
        (
            "clients/typescript/src/generated/problems.ts",
            prolong_protocol::generated::typescript_problems(),
        ),
    ];
    for (path, text) in files {
        let path = root.join(path);
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder)?;
        }
        std::fs::write(path, text)?;
    }
    Ok(())
}
