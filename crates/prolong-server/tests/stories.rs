//! Every story of `tests/scenarios`, over HTTP: the real router, a SQLite store in a folder of its own, a clock that is
//! moved. `prolong-core` runs the same files against the pure core, `prolong-cli` against the real binary.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking, in its helpers too"
)]

mod support;

use std::collections::BTreeSet;

use http::{Method, StatusCode};
use serde_json::json;
use support::authority::{House, PASSWORD, attempt_id};
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

/// A1, B1 and B2 answer from what is stored: not a byte of the database or of its log is another afterwards.
#[tokio::test]
async fn a_refresh_that_moves_nothing_writes_nothing() {
    let (_, scenario) = story::scenarios()
        .into_iter()
        .find(|(_, scenario)| scenario.preset == "refresh" && scenario.policy.is_empty())
        .unwrap();
    let mut house = House::open(&scenario).await;
    let body = json!({ "client_id": "web", "username": "maryo", "password": PASSWORD });
    let path = "/v1/sessions";
    let signed_in = house.json(Method::POST, path, None, &body).await;
    let first = signed_in.body["refresh_token"].as_str().unwrap().to_owned();
    house.later(60).await;
    let refreshed = async |token: &str, attempt: Option<&str>| {
        let mut form = vec![
            ("grant_type", "refresh_token".to_owned()),
            ("refresh_token", token.to_owned()),
        ];
        form.extend(attempt.map(|word| ("attempt_id", attempt_id(word))));
        let answer = house.form("/oauth/token", None, &form).await;
        assert_eq!(answer.status, StatusCode::OK, "{}", answer.body);
        answer.body["refresh_token"].as_str().unwrap().to_owned()
    };
    let before = house.written();
    let second = refreshed(&first, Some("one")).await;
    let rotated = house.written();
    assert!(rotated != before, "A2 is durable");
    assert_eq!(refreshed(&second, None).await, second, "A1");
    assert_eq!(refreshed(&first, Some("one")).await, second, "B1");
    assert_eq!(refreshed(&first, None).await, second, "B2");
    assert!(house.written() == rotated, "something was written");
}
