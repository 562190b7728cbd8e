use std::collections::BTreeSet;
use std::path::Path;

use http::StatusCode;
use prolong_core::Preset;

use super::document::document;
use super::operations::{Credentials, Operation, operations};
use crate::authority::MACHINE_SCOPES;
use crate::world::{World, preset, world, world_at};

/// Every path of the router, as axum tells it, with the methods that it says it takes.
async fn routes(w: &World) -> BTreeSet<(String, String)> {
    let told = format!("{:?}", w.router);
    let mut found = BTreeSet::new();
    for path in told.split('"').filter(|part| part.starts_with('/')) {
        if path.contains("{*") || path.contains("__private") {
            continue;
        }
        let asked = w
            .send("OPTIONS", &path.replace(['{', '}'], ""), &[], "")
            .await;
        // Forward-auth judges every method, this one too.
        if path.ends_with("/v1/verify") {
            assert_eq!(asked.status, StatusCode::UNAUTHORIZED);
            found.insert(("get".to_owned(), path.to_owned()));
            continue;
        }
        for method in asked
            .header("allow")
            .split(',')
            .filter(|method| *method != "HEAD")
        {
            found.insert((method.to_lowercase(), path.to_owned()));
        }
    }
    found
}

#[tokio::test]
async fn every_route_is_described_and_what_is_described_is_a_route() {
    let w = world(preset(Preset::Refresh)).await;
    let described: BTreeSet<_> = operations()
        .into_iter()
        .map(|one| (one.method.to_owned(), one.path.to_owned()))
        .collect();
    let routes = routes(&w).await;
    let missing: Vec<_> = routes.difference(&described).collect();
    let invented: Vec<_> = described.difference(&routes).collect();
    assert!(missing.is_empty(), "add to docs/operations.rs: {missing:?}");
    assert!(invented.is_empty(), "no such route: {invented:?}");
    assert!(routes.len() > 50, "{}", routes.len());
}

/// The page at `/` does what anybody can do who has read the reference.
#[test]
fn the_page_has_no_private_door() {
    let script = include_str!("../pages/page.js");
    assert_eq!(script.matches("fetch(").count(), 1, "all go through `call`");
    for other in [
        "XMLHttpRequest",
        "WebSocket",
        "EventSource",
        "sendBeacon",
        "import",
    ] {
        assert!(!script.contains(other), "{other}");
    }
    let mut seen = 0;
    for rest in script.split("call('").skip(1) {
        let parts: Vec<&str> = rest.splitn(4, ['\'', '`']).collect();
        let (method, path) = (parts[0].to_lowercase(), format!("/{}", parts[2]));
        let described = operations().into_iter().any(|one| {
            let (there, here) = (one.path.split('/'), path.split('/'));
            one.method == method
                && there.clone().count() == here.clone().count()
                && there.zip(here).all(|(said, used)| {
                    said == used || said.starts_with('{') && used.starts_with("${")
                })
        });
        assert!(described, "{method} {path}");
        seen += 1;
    }
    assert!(seen >= 7, "{seen}");
}

#[test]
fn the_committed_document_is_fresh() {
    let fresh = serde_json::to_string_pretty(&document("https://auth.example.com")).unwrap() + "\n";
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/reference/openapi.json");
    if std::env::var_os("PROLONG_WRITE_REFERENCE").is_some() {
        std::fs::write(&path, &fresh).unwrap();
    }
    let committed = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        committed == fresh,
        "run: PROLONG_WRITE_REFERENCE=1 cargo test -p prolong-server --lib committed_document"
    );
}

#[test]
fn every_name_is_there_once_and_every_shape_that_is_named() {
    let document = document("https://auth.example.com");
    let text = document.to_string();
    for part in text.split("#/components/schemas/").skip(1) {
        let name = part.split('"').next().unwrap();
        assert!(
            document["components"]["schemas"][name].is_object(),
            "{name}"
        );
    }
    let ids: BTreeSet<_> = text
        .split("\"operationId\":\"")
        .skip(1)
        .map(|part| part.split('"').next().unwrap().to_owned())
        .collect();
    assert_eq!(ids.len(), operations().len());
}

#[tokio::test]
async fn the_pages_need_no_script_and_no_network() {
    let w = world_at("https://auth.example.com/in", preset(Preset::Refresh)).await;
    for path in ["/in/docs", "/in/docs/problems"] {
        let page = w.page(path).await;
        for bad in [
            "<script",
            "<style",
            " style=",
            " onclick=",
            "http://",
            "https://",
            "<img",
        ] {
            assert!(!page.contains(bad), "{path}: {bad}");
        }
        assert!(page.contains("href=\"/in/docs/style.css\""), "{path}");
        assert!(page.contains("<html lang=\"en\">") && page.contains("<main id=\"main\">"));
        let answer = w.send("GET", path, &[], "").await;
        assert!(
            answer
                .header("content-security-policy")
                .starts_with("default-src 'none'")
        );
    }
    let page = w.page("/in/docs").await;
    for operation in operations() {
        assert!(
            page.contains(&format!("<code>{}</code>", operation.path)),
            "{}",
            operation.path
        );
    }
    for anchor in page
        .split("href=\"#")
        .skip(1)
        .map(|part| part.split('"').next().unwrap())
    {
        assert!(
            page.contains(&format!("id=\"{anchor}\"")),
            "{anchor} leads nowhere"
        );
    }
    let style = w.page("/in/docs/style.css").await;
    assert!(style.contains("prefers-color-scheme: dark") && style.contains(":focus-visible"));
    let document = w.send("GET", "/in/openapi.json", &[], "").await;
    assert_eq!(
        document.body["servers"][0]["url"],
        "https://auth.example.com/in"
    );
}

/// The administrative calls, and the machine scopes of which each suffices.
const ADMINISTRATION: &str = "
GET /v1/admin/users: prolong:admin, prolong:support
POST /v1/admin/users: prolong:admin
GET /v1/admin/users/{sub}: prolong:admin, prolong:support
PATCH /v1/admin/users/{sub}: prolong:admin
DELETE /v1/admin/users/{sub}: prolong:admin
GET /v1/admin/users/{sub}/export: prolong:admin
GET /v1/admin/users/{sub}/sessions: prolong:admin, prolong:support
POST /v1/admin/users/{sub}/sessions: prolong:admin, prolong:sign-in
POST /v1/admin/users/{sub}/disable: prolong:admin
POST /v1/admin/users/{sub}/enable: prolong:admin
POST /v1/admin/users/{sub}/require-reauth: prolong:admin
POST /v1/admin/users/{sub}/sign-out: prolong:admin, prolong:support
POST /v1/admin/users/{sub}/password: prolong:admin
GET /v1/admin/sessions: prolong:admin, prolong:support
GET /v1/admin/sessions/{sid}: prolong:admin, prolong:support
DELETE /v1/admin/sessions/{sid}: prolong:admin, prolong:support
POST /v1/admin/sessions/{sid}/end: prolong:admin, prolong:support
POST /v1/admin/sessions/{sid}/reauthenticate: prolong:admin, prolong:sign-in
GET /v1/admin/why-ended: prolong:admin, prolong:support
GET /v1/admin/clients: prolong:admin, prolong:support
GET /v1/admin/keys: prolong:admin
POST /v1/admin/keys/rotate: prolong:admin
POST /v1/admin/keys/{kid}/distrust: prolong:admin
POST /v1/admin/keys/refresh/{id}/distrust: prolong:admin
GET /v1/admin/stats: prolong:admin, prolong:support
GET /v1/admin/audit: prolong:admin, prolong:support
";

fn administration() -> Vec<(Operation, &'static [&'static str])> {
    operations()
        .into_iter()
        .filter(|one| one.path.starts_with("/v1/admin"))
        .map(|one| match one.by {
            Credentials::Machine(scopes) => (one, scopes),
            other => panic!("{} {} is for {other:?}", one.method, one.path),
        })
        .collect()
}

#[test]
fn a_new_administrative_call_is_seen_in_review() {
    let lines: Vec<String> = administration()
        .iter()
        .map(|(one, scopes)| {
            format!(
                "{} {}: {}",
                one.method.to_uppercase(),
                one.path,
                scopes.join(", ")
            )
        })
        .collect();
    assert_eq!(lines.join("\n"), ADMINISTRATION.trim());
}

#[tokio::test]
async fn every_administrative_call_asks_for_its_scope_and_no_other() {
    let w = world(preset(Preset::Refresh)).await;
    let user = w.signed_in("web").await.answer.access_token;
    for (one, scopes) in administration() {
        let path = one
            .path
            .replace("{sub}", "nobody")
            .replace("{sid}", "x")
            .replace("{kid}", "x");
        let method = one.method.to_uppercase();
        let at = format!("{method} {path}");
        let none = w.send(&method, &path, &[], "").await;
        assert_eq!(
            (none.status.as_u16(), none.text("code")),
            (401, "MISSING_TOKEN"),
            "{at}"
        );
        let bad = w.call(&method, &path, "nonsense", "").await;
        assert_eq!(
            (bad.status.as_u16(), bad.text("code")),
            (401, "INVALID_TOKEN"),
            "{at}"
        );
        let users = w.call(&method, &path, &user, "").await;
        assert_eq!(
            (users.status.as_u16(), users.text("code")),
            (403, "INSUFFICIENT_SCOPE"),
            "{at}"
        );
        for scope in MACHINE_SCOPES {
            let token = w.token_for(scope).await;
            let answer = w.call(&method, &path, &token, "").await;
            let refused = matches!(
                answer.status,
                StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN
            );
            assert_eq!(
                refused,
                !scopes.contains(scope),
                "{at} with {scope}: {}",
                answer.body
            );
        }
    }
}
