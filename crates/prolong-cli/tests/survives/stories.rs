//! Every story of `tests/scenarios` against the real binary: once with time that flows while it runs, once with time that
//! skips while it is down after a kill.

use crate::support::authority::{House, Time};
use crate::support::scenario::Scenario;
use crate::support::story;

#[tokio::test]
async fn every_story_holds_while_time_flows() {
    told(Time::Flows, |_| true).await;
}

/// A thousand kills are left to another test.
#[tokio::test]
async fn every_story_holds_through_a_kill_whenever_time_passes() {
    let short = |scenario: &Scenario| {
        let repeats = |step: &_| crate::support::scenario::Step::number(step, "repeat");
        scenario
            .steps
            .iter()
            .all(|step| repeats(step).unwrap_or(1) < 100)
    };
    told(Time::Skips, short).await;
}

async fn told(time: Time, wanted: impl Fn(&Scenario) -> bool) {
    let (mut told, mut broken) = (0, Vec::new());
    for (name, scenario) in story::scenarios() {
        if !wanted(&scenario) {
            continue;
        }
        let telling = tokio::spawn(async move {
            let house = House::open(&scenario, time).await;
            story::run(&scenario, house).await;
        });
        told += 1;
        if telling.await.is_err() {
            broken.push(name);
        }
    }
    assert_eq!(broken, Vec::<String>::new());
    assert!(told >= 16, "{told}");
}
