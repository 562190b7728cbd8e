//! JSON bodies of the first party's and the administrator's calls: who asks may, so that it is the body that is judged.
//!
//! A body is taken (2xx) or refused by a problem that names the field; a refused one has changed nothing.

use serde_json::Value;

use crate::cut::Cut;
use crate::house::{House, with_house};

const CALLS: [(&str, &str); 16] = [
    ("POST /v1/sessions", ""),
    (
        "POST /v1/sessions",
        "origin: https://app.example.com\nprolong-request: 1",
    ),
    (
        "POST /v1/sessions/current/prolong",
        "authorization: Bearer {renewable}",
    ),
    (
        "POST /v1/sessions/current/reauthenticate",
        "authorization: Bearer {access}",
    ),
    (
        "PATCH /v1/sessions/current",
        "authorization: Bearer {access}",
    ),
    ("PATCH /v1/sessions/{tab}", "authorization: Bearer {access}"),
    ("POST /v1/password", "authorization: Bearer {access}"),
    ("POST /v1/admin/users", "authorization: Bearer {admin}"),
    (
        "PATCH /v1/admin/users/{sub}",
        "authorization: Bearer {admin}",
    ),
    (
        "POST /v1/admin/users/{sub}/sessions",
        "authorization: Bearer {admin}",
    ),
    (
        "POST /v1/admin/users/somebody/sessions",
        "authorization: Bearer {admin}",
    ),
    (
        "POST /v1/admin/users/{sub}/password",
        "authorization: Bearer {admin}",
    ),
    (
        "POST /v1/admin/users/{sub}/require-reauth",
        "authorization: Bearer {admin}",
    ),
    (
        "POST /v1/admin/sessions/{sid}/reauthenticate",
        "authorization: Bearer {admin}",
    ),
    ("POST /v1/activity", "authorization: Bearer {admin}"),
    (
        "POST /v1/admin/keys/rotate",
        "authorization: Bearer {admin}",
    ),
];

pub(crate) fn run(input: &[u8]) {
    let mut cut = Cut::new(input);
    let (call, headers) = CALLS[cut.below(CALLS.len())];
    let body = cut.rest();
    with_house(async |house| {
        let before = seen(house).await;
        let head = format!(
            "{call}\n{headers}{}content-type: application/json",
            if headers.is_empty() { "" } else { "\n" }
        );
        let answer = house.ask(head.as_bytes(), body).await.unwrap();
        if answer.status.is_client_error() {
            assert_eq!(
                seen(house).await,
                before,
                "{call} was refused and changed something: {}",
                answer.json()
            );
        } else {
            assert!(answer.status.is_success(), "{call}: {}", answer.status);
        }
    });
}

/// What an administrator sees of the user and the sessions.
async fn seen(house: &mut House) -> [Value; 2] {
    let user = house
        .call("GET /v1/admin/users\nauthorization: Bearer {admin}", "")
        .await
        .json();
    let sessions = house
        .call(
            "GET /v1/admin/users/{sub}/sessions\nauthorization: Bearer {admin}",
            "",
        )
        .await
        .json();
    assert!(
        user["users"].is_array() && sessions["sessions"].is_array(),
        "{user} {sessions}"
    );
    [user, sessions]
}
