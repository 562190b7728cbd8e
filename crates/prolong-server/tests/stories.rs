//! Every story of `tests/scenarios`, over HTTP: the real router, a SQLite store in a folder of its own, a clock that is
//! moved. `prolong-core` runs the same files against the pure core, `prolong-cli` against the real binary.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking, in its helpers too"
)]

mod support;

use std::collections::BTreeSet;

use support::authority::House;
use support::story;

#[tokio::test]
async fn every_story_holds_over_http() {
    let (mut stories, mut broken) = (BTreeSet::new(), Vec::new());
    for (name, scenario) in story::scenarios() {
        stories.insert(scenario.story.clone());
        // In a task of its own, so that one story that fails does not hide the others.
        let told = tokio::spawn(async move {
            let house = House::open(&scenario).await;
            story::run(&scenario, house).await;
        });
        if told.await.is_err() {
            broken.push(name);
        }
    }
    assert_eq!(broken, Vec::<String>::new());
    assert_eq!(stories.len(), 11, "S0 to S10");
}
