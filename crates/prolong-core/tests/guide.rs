//! `docs/guide/strategies.md` names every preset, every story, and examples and scenarios that are there.
#![expect(clippy::unwrap_used, reason = "a test's helper fails as the test does")]

use std::path::{Path, PathBuf};

use prolong_core::Preset;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn names_in(folder: &str) -> Vec<String> {
    let mut names: Vec<String> = std::fs::read_dir(root().join(folder))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| {
            path.extension()
                .is_some_and(|extension| extension == "toml")
        })
        .map(|path| path.file_stem().unwrap().to_str().unwrap().to_owned())
        .collect();
    names.sort();
    names
}

#[test]
fn the_guide_has_every_preset_story_example_and_scenario() {
    let guide = std::fs::read_to_string(root().join("docs/guide/strategies.md")).unwrap();
    for preset in Preset::ALL {
        assert!(
            guide.contains(&format!("`{}`", preset.as_str())),
            "{}",
            preset.as_str()
        );
    }
    for story in 0..=10 {
        let heading = format!("\n## {story}. ");
        let section = guide.split(&heading).nth(1).unwrap_or_default();
        let section = section.split("\n## ").next().unwrap();
        for part in ["Configuration: [", "Story: `", "**Not covered.**"] {
            assert!(section.contains(part), "section {story} lacks {part}");
        }
    }
    for example in names_in("examples/policies") {
        assert!(
            guide.contains(&format!("(../../examples/policies/{example}.toml)")),
            "{example}"
        );
    }
    for link in guide.split("(../../examples/policies/").skip(1) {
        let file = link.split(')').next().unwrap();
        assert!(
            root().join("examples/policies").join(file).exists(),
            "{file}"
        );
    }
    for scenario in names_in("tests/scenarios") {
        // A story may have more files than the guide names; what it names must be there.
        let story = scenario.split('-').next().unwrap();
        assert!(guide.contains(&format!("`{story}-")), "{scenario}");
    }
    for named in guide
        .split('`')
        .filter(|part| part.starts_with('s') && part[1..].starts_with(|c: char| c.is_ascii_digit()))
    {
        assert!(
            names_in("tests/scenarios").contains(&named.to_owned()),
            "{named}"
        );
    }
    for anchor in guide
        .split("](#")
        .skip(1)
        .map(|part| part.split(')').next().unwrap())
    {
        let slug = |heading: &str| {
            let kept = heading
                .chars()
                .filter(|c| c.is_alphanumeric() || " -_".contains(*c));
            kept.collect::<String>()
                .trim()
                .to_lowercase()
                .replace(' ', "-")
        };
        let mut headings = guide.lines().filter_map(|line| line.strip_prefix("## "));
        assert!(
            headings.any(|heading| slug(heading) == anchor),
            "#{anchor} leads nowhere"
        );
    }
}
