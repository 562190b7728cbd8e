//! A verifier against an issuer over HTTP: discovery, keys, feed, and an issuer that goes away.
#![expect(
    clippy::unwrap_used,
    reason = "a test that cannot set its scene should stop"
)]

use std::{
    fmt::Write as _,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Duration,
};

use axum::{
    Router,
    body::{Body, Bytes},
    extract::{Request, State},
    http::{HeaderMap, HeaderValue, StatusCode, Uri},
    middleware::{Next, from_fn_with_state},
    response::{IntoResponse, Redirect, Response},
    routing::{get, post},
};
use futures_util::stream;
use prolong_protocol::feed::{Chain, Cursor, Entry, Frame, Heartbeat, Kind, Snapshot};
use prolong_verify::{DiscoverError, Expected, Revoked, Staleness, Verifier, axum::Session};
use serde_json::{Value, json};
use tokio::{net::TcpListener, sync::watch, time::sleep};
use tower::ServiceExt;

#[expect(dead_code, reason = "the verifier's tests use more of it")]
#[path = "../verifier/mint.rs"]
mod mint;

use mint::{ISSUER, expected, jwk, token};
use prolong_verify::Algorithm;

const SALT: [u8; 16] = [9; 16];
const LATE: u64 = 4_000_000_000;

/// An authority of a few lines.
struct Issuer {
    name: String,
    keys: watch::Sender<Value>,
    entries: watch::Sender<Vec<Entry>>,
    down: AtomicBool,
    closed: watch::Sender<usize>,
    /// Of the feed; a cursor of another one is refused.
    epoch: std::sync::Mutex<String>,
    /// The token that readers of the feed need, where it is guarded, and how often it was granted.
    guarded: bool,
    feed_token: std::sync::Mutex<String>,
    grants: AtomicUsize,
    /// What heartbeats vouch for; `None`: they do not come.
    as_of: std::sync::Mutex<Option<u64>>,
    /// What the metadata are, if they are something else than usual.
    other: Option<Box<dyn Fn() -> Response + Send + Sync>>,
    jwks_uri: String,
    key_fetches: AtomicUsize,
    cursors: watch::Sender<Vec<String>>,
    /// What introspection answers; the calls that came.
    active: std::sync::Mutex<(u16, String, Vec<String>)>,
    /// What reports of activity are answered with; those that came.
    reports: std::sync::Mutex<(u16, Vec<(String, Value)>)>,
}

type Shared = Arc<Issuer>;

async fn start(change: impl FnOnce(&mut Issuer)) -> (Shared, String) {
    let mut issuer = Issuer {
        name: ISSUER.to_owned(),
        keys: watch::Sender::new(json!({ "keys": [jwk(Algorithm::Es256)] })),
        entries: watch::Sender::new(Vec::new()),
        down: AtomicBool::new(false),
        closed: watch::Sender::new(0),
        epoch: std::sync::Mutex::new("e1".to_owned()),
        guarded: false,
        feed_token: std::sync::Mutex::new("feed-token".to_owned()),
        grants: AtomicUsize::new(0),
        as_of: std::sync::Mutex::new(Some(LATE)),
        other: None,
        jwks_uri: format!("{ISSUER}/keys"),
        key_fetches: AtomicUsize::new(0),
        cursors: watch::Sender::new(Vec::new()),
        active: std::sync::Mutex::new((200, "{\"active\":true}".to_owned(), Vec::new())),
        reports: std::sync::Mutex::new((204, Vec::new())),
    };
    change(&mut issuer);
    let issuer = Arc::new(issuer);
    let app = Router::new()
        .route("/.well-known/oauth-authorization-server", get(metadata))
        .route("/keys", get(keys))
        .route("/moved", get(async || Redirect::temporary("/keys")))
        .route("/token", post(grant))
        .route("/introspect", post(introspect))
        .route("/v1/activity", post(activity))
        .route("/v1/feed/snapshot", get(snapshot))
        .route("/v1/feed", get(feed))
        .layer(from_fn_with_state(Arc::clone(&issuer), maybe_down))
        .with_state(Arc::clone(&issuer));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, app).await });
    (issuer, address)
}

async fn maybe_down(State(issuer): State<Shared>, request: Request, next: Next) -> Response {
    let headers = request.headers();
    assert!(!headers.contains_key("cookie"), "no cookie is kept");
    if issuer.down.load(Ordering::SeqCst) {
        return StatusCode::BAD_GATEWAY.into_response();
    }
    let mut response = next.run(request).await;
    let cookie = HeaderValue::from_static("a=b; Path=/");
    response.headers_mut().insert("set-cookie", cookie);
    response
}

async fn metadata(State(issuer): State<Shared>, uri: Uri) -> Response {
    if let Some(other) = issuer.other.as_ref().filter(|_| uri.query().is_none()) {
        return other();
    }
    let name = &issuer.name;
    json!({ "issuer": name, "jwks_uri": issuer.jwks_uri, "token_endpoint": format!("{name}/token"),
        "introspection_endpoint": format!("{name}/introspect") })
    .to_string()
    .into_response()
}

async fn keys(State(issuer): State<Shared>) -> String {
    issuer.key_fetches.fetch_add(1, Ordering::SeqCst);
    issuer.keys.borrow().to_string()
}

async fn grant(State(issuer): State<Shared>, headers: HeaderMap, body: String) -> Response {
    // "reader" and "a+b" behind Basic
    assert_eq!(headers["authorization"], "Basic cmVhZGVyOmElMkJi");
    let scope = body.strip_prefix("grant_type=client_credentials&scope=prolong%3A");
    issuer.grants.fetch_add(1, Ordering::SeqCst);
    let token = match scope.unwrap() {
        "feed" => issuer.feed_token.lock().unwrap().clone(),
        scope => format!("{scope}-token"),
    };
    json!({ "access_token": token }).to_string().into_response()
}

async fn introspect(State(issuer): State<Shared>, headers: HeaderMap, body: String) -> Response {
    assert_eq!(headers["authorization"], "Basic cmVhZGVyOmElMkJi");
    let mut active = issuer.active.lock().unwrap();
    active.2.push(body);
    let status = StatusCode::from_u16(active.0).unwrap();
    (status, active.1.clone()).into_response()
}

async fn activity(State(issuer): State<Shared>, headers: HeaderMap, body: String) -> StatusCode {
    let mut reports = issuer.reports.lock().unwrap();
    let authorization = headers["authorization"].to_str().unwrap().to_owned();
    let body = serde_json::from_str(&body).unwrap();
    reports.1.push((authorization, body));
    StatusCode::from_u16(reports.0).unwrap()
}

fn refused(issuer: &Issuer, headers: &HeaderMap) -> bool {
    issuer.guarded
        && headers
            .get("authorization")
            .is_none_or(|field| *field != format!("Bearer {}", issuer.feed_token.lock().unwrap()))
}

fn chain(entries: &[Entry]) -> Chain {
    entries.iter().fold(Chain::default(), |chain, entry| {
        chain.extend(entry, |bytes| {
            let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, bytes);
            digest.as_ref().try_into().unwrap()
        })
    })
}

async fn snapshot(State(issuer): State<Shared>, headers: HeaderMap) -> Response {
    if refused(&issuer, &headers) {
        return StatusCode::UNAUTHORIZED.into_response();
    }
    let entries = issuer.entries.borrow().clone();
    let Cursor { seq, chain, .. } = cursor(&entries);
    let epoch = issuer.epoch.lock().unwrap().clone();
    let snapshot = Snapshot {
        epoch,
        seq,
        chain,
        salt: SALT,
        entries,
    };
    serde_json::to_string(&snapshot).unwrap().into_response()
}

fn cursor(entries: &[Entry]) -> Cursor {
    Cursor {
        epoch: "e1".to_owned(),
        seq: entries.len() as u64,
        chain: chain(entries),
    }
}

/// Frames after the cursor, with a heartbeat after each and ten times a second.
async fn feed(State(issuer): State<Shared>, uri: Uri, headers: HeaderMap) -> Response {
    if refused(&issuer, &headers) {
        return StatusCode::UNAUTHORIZED.into_response();
    }
    let asked = uri
        .query()
        .unwrap()
        .strip_prefix("cursor=")
        .unwrap()
        .to_owned();
    if !asked.starts_with(&*issuer.epoch.lock().unwrap()) {
        return StatusCode::CONFLICT.into_response();
    }
    let seq: usize = asked.split('.').nth(1).unwrap().parse().unwrap();
    issuer.cursors.send_modify(|all| all.push(asked));
    let closed = issuer.closed.subscribe();
    let events = stream::unfold(
        (issuer, closed, seq),
        |(issuer, closed, mut seq)| async move {
            if closed.has_changed().unwrap() {
                return None;
            }
            let entries = issuer.entries.borrow().clone();
            let mut text = String::new();
            if entries.len() > seq {
                let frame = Frame {
                    first: seq as u64 + 1,
                    last: entries.len() as u64,
                    chain: chain(&entries),
                    entries: entries[seq..].to_vec(),
                    sig: None,
                };
                text = format!(
                    "event: frame\ndata: {}\n\n",
                    serde_json::to_string(&frame).unwrap()
                );
                seq = entries.len();
            } else {
                sleep(Duration::from_millis(100)).await;
            }
            if let Some(as_of) = *issuer.as_of.lock().unwrap() {
                let beat = Heartbeat {
                    head: seq as u64,
                    chain: chain(&entries),
                    as_of,
                    sig: None,
                };
                let beat = serde_json::to_string(&beat).unwrap();
                let _ = write!(text, "event: heartbeat\ndata: {beat}\n\n");
            }
            Some((
                Ok::<_, std::io::Error>(Bytes::from(text)),
                (issuer, closed, seq),
            ))
        },
    );
    Body::from_stream(events).into_response()
}

impl Issuer {
    fn end(&self, sid: &str) {
        self.entries.send_modify(|all| {
            all.push(Entry {
                seq: all.len() as u64 + 1,
                kind: Kind::SESSION,
                key: Revoked::key_of(&SALT, sid),
                arg: 1,
                until: LATE,
            });
        });
    }

    fn drop_streams(&self) {
        self.closed.send_modify(|count| *count += 1);
    }
}

fn of_session(sid: &str) -> String {
    token(
        &json!({}),
        &json!({ "sid": sid, "iat": 1, "exp": LATE, "jti": sid }),
    )
}

async fn status(verifier: &Verifier, token: &str) -> u16 {
    let layer = verifier.layer().staleness(Staleness::Closed);
    let app = Router::new()
        .route(
            "/",
            get(|session: Session| async move { session.subject().to_owned() }),
        )
        .layer(layer);
    let request = Request::get("/").header("authorization", format!("Bearer {token}"));
    let request = request.body(Body::empty()).unwrap();
    app.oneshot(request).await.unwrap().status().as_u16()
}

/// Until it has this status, or for so long that it never will.
async fn becomes(verifier: &Verifier, token: &str, wanted: u16) -> bool {
    until(async || status(verifier, token).await == wanted).await
}

/// Until this is so, or for so long that it never will be. A busy machine may take its time.
async fn until(so: impl AsyncFn() -> bool) -> bool {
    for _ in 0..1500 {
        if so().await {
            return true;
        }
        sleep(Duration::from_millis(20)).await;
    }
    false
}

async fn discover(address: &str, expected: Expected) -> Result<Verifier, DiscoverError> {
    Verifier::builder(expected)
        .fetch_url(address)
        .discover()
        .await
}

#[tokio::test]
async fn it_follows_and_outlives_the_authority() {
    let (issuer, address) = start(|_| {}).await;
    issuer.end("s0");
    let verifier = discover(&address, expected()).await.unwrap();
    assert_eq!(
        status(&verifier, &of_session("s0")).await,
        401,
        "from the snapshot"
    );
    assert!(becomes(&verifier, &of_session("s1"), 200).await, "fresh");
    issuer.end("s1");
    assert!(
        becomes(&verifier, &of_session("s1"), 401).await,
        "from the stream"
    );

    issuer.drop_streams();
    issuer.end("s2");
    assert!(
        becomes(&verifier, &of_session("s2"), 401).await,
        "after a break"
    );
    let last = issuer.cursors.borrow().last().unwrap().clone();
    assert!(last.starts_with("e1.2."), "from where it stood: {last}");

    issuer.down.store(true, Ordering::SeqCst);
    issuer.drop_streams();
    sleep(Duration::from_millis(300)).await;
    assert_eq!(status(&verifier, &of_session("s3")).await, 200);
    assert_eq!(status(&verifier, &of_session("s1")).await, 401);
    issuer.end("s3");
    issuer.down.store(false, Ordering::SeqCst);
    assert!(
        becomes(&verifier, &of_session("s3"), 401).await,
        "after its return"
    );
}

#[tokio::test]
async fn an_authority_that_lost_its_tail_is_followed_again_and_nothing_is_unlearnt() {
    let (issuer, address) = start(|_| {}).await;
    issuer.end("s1");
    issuer.end("s2");
    let verifier = discover(&address, expected()).await.unwrap();
    assert!(becomes(&verifier, &of_session("other"), 200).await);
    issuer.entries.send_modify(|all| all.truncate(1));
    issuer.drop_streams();
    issuer.end("s3");
    issuer.drop_streams();
    assert!(becomes(&verifier, &of_session("s3"), 401).await);
    assert_eq!(status(&verifier, &of_session("s2")).await, 401);
}

#[tokio::test]
async fn met_the_issuer_is_compared_byte_for_byte() {
    for name in [
        &format!("{ISSUER}/"),
        "https://AUTH.example.com",
        "https://evil.example",
    ] {
        let (_issuer, address) = start(|issuer| name.clone_into(&mut issuer.name)).await;
        let refused = discover(&address, expected()).await;
        assert!(
            matches!(refused, Err(DiscoverError::WrongIssuer { .. })),
            "{name}"
        );
    }
    let plain = Verifier::discover("http://auth.example.com", "orders-api").await;
    assert!(matches!(plain, Err(DiscoverError::BadUrl(_))));
}

#[tokio::test]
async fn jwt_13_keys_are_fetched_from_where_the_issuer_says_and_nowhere_else() {
    let moved = |issuer: &mut Issuer| issuer.jwks_uri = format!("{ISSUER}/moved");
    let (issuer, address) = start(moved).await;
    let refused = discover(&address, expected()).await;
    assert!(matches!(refused, Err(DiscoverError::Status(_, 307))));
    assert_eq!(issuer.key_fetches.load(Ordering::SeqCst), 0);
    for elsewhere in [
        "http://keys.example.com/",
        "ftp://auth.example.com/keys",
        "file:///etc/passwd",
        "keys",
        "",
        "https://",
    ] {
        let (_issuer, address) = start(|issuer| elsewhere.clone_into(&mut issuer.jwks_uri)).await;
        let refused = discover(&address, expected()).await;
        assert!(matches!(refused, Err(DiscoverError::BadUrl(url)) if url == elsewhere));
    }
}

#[tokio::test]
async fn unknown_keys_cost_one_fetch_in_30_seconds() {
    let (issuer, address) = start(|_| {}).await;
    let verifier = discover(&address, expected()).await.unwrap();
    assert!(becomes(&verifier, &of_session("s1"), 200).await);
    assert_eq!(issuer.key_fetches.load(Ordering::SeqCst), 1);

    let mut renamed = jwk(Algorithm::Es256);
    renamed["kid"] = "second".into();
    issuer
        .keys
        .send_replace(json!({ "keys": [jwk(Algorithm::Es256), renamed] }));
    let changes = json!({ "iat": 1, "exp": LATE });
    let second = token(&json!({ "kid": "second" }), &changes);
    let unknown = token(&json!({ "kid": "third" }), &changes);
    let all = (0..20).map(|_| status(&verifier, &second));
    assert!(
        futures_util::future::join_all(all)
            .await
            .iter()
            .all(|one| *one == 200)
    );
    let all = (0..20).map(|_| status(&verifier, &unknown));
    assert!(
        futures_util::future::join_all(all)
            .await
            .iter()
            .all(|one| *one == 401)
    );
    assert_eq!(issuer.key_fetches.load(Ordering::SeqCst), 2);
}

#[tokio::test]
async fn an_unknown_key_while_the_issuer_is_away_is_nobodys_fault() {
    let (issuer, address) = start(|_| {}).await;
    let verifier = discover(&address, expected()).await.unwrap();
    assert!(becomes(&verifier, &of_session("s1"), 200).await);
    issuer.down.store(true, Ordering::SeqCst);
    let unknown = token(
        &json!({ "kid": "third" }),
        &json!({ "iat": 1, "exp": LATE }),
    );
    assert_eq!(status(&verifier, &unknown).await, 503);
    assert_eq!(
        status(&verifier, &of_session("s1")).await,
        200,
        "known keys stay"
    );
}

#[tokio::test]
async fn a_guarded_feed_wants_a_client() {
    let (_issuer, address) = start(|issuer| issuer.guarded = true).await;
    let refused = discover(&address, expected()).await;
    assert!(refused.unwrap_err().to_string().contains("feed_client"));
    let builder = Verifier::builder(expected()).fetch_url(&address);
    let verifier = builder
        .clone()
        .feed_client("reader", "a+b")
        .discover()
        .await
        .unwrap();
    assert!(becomes(&verifier, &of_session("s1"), 200).await);
    let verifier = builder.without_feed().discover().await.unwrap();
    assert_eq!(verifier.state().staleness(), None);
    assert_eq!(
        status(&verifier, &of_session("s1")).await,
        503,
        "closed, and never fresh"
    );
}

#[tokio::test]
async fn the_background_work_ends_with_the_last_state() {
    let (issuer, address) = start(|_| {}).await;
    let verifier = discover(&address, expected()).await.unwrap();
    let layer = verifier.layer();
    let state = Arc::downgrade(verifier.state());
    drop(verifier);
    assert!(state.upgrade().is_some(), "a layer keeps it going");
    drop(layer);
    assert!(state.upgrade().is_none());
    sleep(Duration::from_millis(300)).await;
    let streams = issuer.cursors.borrow().len();
    issuer.drop_streams();
    sleep(Duration::from_millis(500)).await;
    assert_eq!(issuer.cursors.borrow().len(), streams);
}

#[tokio::test]
async fn a_closed_route_introspects_while_the_feed_is_stale() {
    let (issuer, address) = start(|_| {}).await;
    let builder = Verifier::builder(expected())
        .fetch_url(&address)
        .without_feed();
    let verifier = builder
        .clone()
        .client("reader", "a+b")
        .discover()
        .await
        .unwrap();
    let token = of_session("s1");
    let answer = |status: u16, body: &str| {
        let mut active = issuer.active.lock().unwrap();
        (active.0, active.1) = (status, body.to_owned());
    };
    for (status_of_theirs, body, ours) in [
        (200, r#"{"active":true,"sub":"u1"}"#, 200),
        (200, r#"{"active":false}"#, 401),
        (200, "{}", 503),
        (200, r#"{"active":"true"}"#, 503),
        (200, "not JSON", 503),
        (401, r#"{"error":"invalid_client"}"#, 503),
        (500, r#"{"active":true}"#, 503),
        (302, r#"{"active":true}"#, 503),
    ] {
        answer(status_of_theirs, body);
        assert_eq!(status(&verifier, &token).await, ours, "{body}");
    }
    let asked = issuer.active.lock().unwrap().2.clone();
    assert_eq!(asked.len(), 8, "each request is asked about anew");
    assert_eq!(
        asked[0],
        format!("token={token}&token_type_hint=access_token")
    );
    issuer.down.store(true, Ordering::SeqCst);
    assert_eq!(status(&verifier, &token).await, 503);

    issuer.down.store(false, Ordering::SeqCst);
    let nobody = builder.discover().await.unwrap();
    assert_eq!(status(&nobody, &token).await, 503, "nobody to ask as");
}

#[tokio::test]
async fn activity_is_reported_until_it_is_acknowledged() {
    let (issuer, address) = start(|issuer| {
        issuer.reports.get_mut().unwrap().0 = 401;
    })
    .await;
    let builder = Verifier::builder(expected())
        .fetch_url(&address)
        .report_activity_every(Duration::from_millis(20));
    let refused = builder.clone().discover().await;
    assert!(refused.unwrap_err().to_string().contains("client("));

    let verifier = builder.client("reader", "a+b").discover().await.unwrap();
    assert!(becomes(&verifier, &of_session("s1"), 200).await);
    let reported = |atleast: usize| {
        let issuer = &issuer;
        async move {
            for _ in 0..500 {
                let all = issuer.reports.lock().unwrap().1.clone();
                if all.len() >= atleast {
                    return all;
                }
                sleep(Duration::from_millis(20)).await;
            }
            panic!("no report came");
        }
    };
    let all = reported(2).await;
    for (authorization, body) in &all[..2] {
        assert_eq!(authorization, "Bearer activity-token");
        assert_eq!(body["sessions"][0]["id"], "s1", "told again: {body}");
        assert!(
            body["sessions"][0]["idle_for"].as_u64().unwrap() < 3600,
            "how long ago"
        );
    }
    assert!(
        issuer.grants.load(Ordering::SeqCst) > 1,
        "a token that was refused is not used again"
    );
    let older = until(async || {
        let all = issuer.reports.lock().unwrap().1.clone();
        all.iter()
            .any(|(_, body)| body["sessions"][0]["idle_for"].as_u64() > Some(0))
    });
    assert!(older.await, "it is told how long ago, not when it is told");
    issuer.reports.lock().unwrap().0 = 204;
    let told = issuer.reports.lock().unwrap().1.len();
    let acknowledged = reported(told + 1).await.len();
    sleep(Duration::from_millis(200)).await;
    let after = issuer.reports.lock().unwrap().1.len();
    assert!(after <= acknowledged + 1, "not told again: {after}");
    assert_eq!(status(&verifier, &of_session("s2")).await, 200);
    let last = reported(after + 1).await.pop().unwrap().1;
    assert_eq!(
        last["sessions"],
        json!([{ "id": "s2", "idle_for": last["sessions"][0]["idle_for"] }])
    );
}

/// Whatever the issuer sends, discovery says what is wrong with it, and takes nothing from elsewhere.
#[tokio::test]
async fn what_an_issuer_may_say_is_bounded_and_comes_from_itself() {
    let because = async |change: fn(&mut Issuer)| {
        let (_issuer, address) = start(change).await;
        discover(&address, expected()).await.err()
    };
    let long = because(|issuer| {
        let answer = json!({ "issuer": ISSUER, "jwks_uri": format!("{ISSUER}/keys"), "x": "y".repeat(70_000) });
        issuer.other = Some(Box::new(move || answer.to_string().into_response()));
    });
    assert!(matches!(long.await, Some(DiscoverError::BadAnswer(_))));
    let moved = because(|issuer| {
        issuer.other = Some(Box::new(|| {
            let to = "/.well-known/oauth-authorization-server?usual";
            (StatusCode::FOUND, [("location", to)]).into_response()
        }));
    });
    assert!(matches!(moved.await, Some(DiscoverError::Status(_, 302))));
    let failing = because(|issuer| {
        issuer.other = Some(Box::new(|| {
            let answer = json!({ "issuer": ISSUER, "jwks_uri": format!("{ISSUER}/keys") });
            (StatusCode::ACCEPTED, answer.to_string()).into_response()
        }));
    });
    assert!(matches!(failing.await, Some(DiscoverError::Status(_, 202))));
    let none = because(|issuer| drop(issuer.keys.send_replace(json!({ "keys": [] }))));
    assert!(matches!(none.await, Some(DiscoverError::NoKeys(_))));
    let plain = because(|issuer| "http://192.0.2.1/keys".clone_into(&mut issuer.jwks_uri));
    assert!(matches!(plain.await, Some(DiscoverError::BadUrl(_))));
    // Another host whose name begins like the issuer's is not below it: it is not fetched from `fetch_url`.
    let (issuer, address) = start(|issuer| {
        issuer.jwks_uri = format!("{ISSUER}:1/keys");
    })
    .await;
    let client = reqwest::Client::builder()
        .no_proxy()
        .timeout(Duration::from_millis(300));
    let builder = Verifier::builder(expected()).fetch_url(&address);
    let other = builder
        .http_client(client.build().unwrap())
        .discover()
        .await;
    assert!(
        matches!(other, Err(DiscoverError::Unreachable(..))),
        "{other:?}"
    );
    assert_eq!(issuer.key_fetches.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn freshness_takes_a_heartbeat_of_now() {
    // None at all, and one that vouches for long ago.
    for as_of in [None, Some(1)] {
        let (issuer, address) = start(|issuer| *issuer.as_of.get_mut().unwrap() = as_of).await;
        let verifier = discover(&address, expected()).await.unwrap();
        let streams = async || !issuer.cursors.borrow().is_empty();
        assert!(until(streams).await);
        issuer.end("s1");
        assert!(
            becomes(&verifier, &of_session("s1"), 401).await,
            "known all the same"
        );
        assert_eq!(status(&verifier, &of_session("s2")).await, 503, "{as_of:?}");
        *issuer.as_of.lock().unwrap() = Some(LATE);
        assert!(becomes(&verifier, &of_session("s2"), 200).await);
    }
}

#[tokio::test]
async fn a_feed_that_falls_silent_is_left_and_its_freshness_runs_out() {
    let (issuer, address) = start(|_| {}).await;
    let verifier = discover(&address, expected()).await.unwrap();
    assert!(becomes(&verifier, &of_session("s1"), 200).await);
    let streams = issuer.cursors.borrow().len();
    *issuer.as_of.lock().unwrap() = None;
    assert!(becomes(&verifier, &of_session("s1"), 503).await);
    assert!(until(async || issuer.cursors.borrow().len() > streams).await);
    *issuer.as_of.lock().unwrap() = Some(LATE);
    assert!(becomes(&verifier, &of_session("s1"), 200).await);
}

/// Of each kind: keys, feed, reports. Whoever serves while stale has to learn of it from somewhere.
#[tokio::test]
async fn faults_in_the_background_are_told() {
    let (issuer, address) = start(|issuer| issuer.guarded = true).await;
    let told = Arc::new(std::sync::Mutex::new(String::new()));
    let log = Arc::clone(&told);
    let verifier = Verifier::builder(expected())
        .fetch_url(&address)
        .feed_client("reader", "a+b")
        .report_activity_every(Duration::from_millis(20))
        .on_fault(move |fault| writeln!(log.lock().unwrap(), "{fault}").unwrap())
        .discover()
        .await
        .unwrap();
    assert!(becomes(&verifier, &of_session("s1"), 200).await);
    assert!(until(async || !issuer.reports.lock().unwrap().1.is_empty()).await);
    assert_eq!(*told.lock().unwrap(), "");
    issuer.down.store(true, Ordering::SeqCst);
    issuer.drop_streams();
    let stranger = token(&json!({ "kid": "stranger" }), &json!({}));
    for of in ["/v1/feed", "/v1/activity", "/keys"] {
        let is_told = async || {
            status(&verifier, &of_session("s1")).await;
            status(&verifier, &stranger).await;
            told.lock().unwrap().contains(of)
        };
        assert!(until(is_told).await, "{of}");
    }
}

#[tokio::test]
async fn a_token_or_a_cursor_that_is_refused_is_replaced() {
    let (issuer, address) = start(|issuer| issuer.guarded = true).await;
    let builder = Verifier::builder(expected()).fetch_url(&address);
    let verifier = builder
        .feed_client("reader", "a+b")
        .discover()
        .await
        .unwrap();
    assert!(becomes(&verifier, &of_session("s1"), 200).await);
    "another-token".clone_into(&mut issuer.feed_token.lock().unwrap());
    issuer.drop_streams();
    issuer.end("s1");
    assert!(becomes(&verifier, &of_session("s1"), 401).await);
    // Restored: another epoch, with other entries under the same numbers.
    "e2".clone_into(&mut issuer.epoch.lock().unwrap());
    issuer.entries.send_modify(Vec::clear);
    issuer.end("s2");
    issuer.drop_streams();
    assert!(becomes(&verifier, &of_session("s2"), 401).await);
    assert_eq!(
        status(&verifier, &of_session("s1")).await,
        401,
        "not un-learnt"
    );
}

/// A dead key has a successor that nobody was told of before; and keys are looked at again in any case.
#[tokio::test]
async fn keys_are_fetched_again_when_one_dies_and_every_five_minutes() {
    let (issuer, address) = start(|_| {}).await;
    let verifier = discover(&address, expected()).await.unwrap();
    assert!(becomes(&verifier, &of_session("s1"), 200).await);
    let changes = json!({ "iat": 1, "exp": LATE });
    let second = token(&json!({ "kid": "second" }), &changes);
    assert_eq!(
        status(&verifier, &second).await,
        401,
        "asked for, and not there"
    );
    let named = |kid: &str| {
        let mut jwk = jwk(Algorithm::Es256);
        jwk["kid"] = kid.into();
        jwk
    };
    issuer
        .keys
        .send_replace(json!({ "keys": [named("second")] }));
    let fetched = issuer.key_fetches.load(Ordering::SeqCst);
    issuer.entries.send_modify(|all| {
        all.push(Entry {
            seq: all.len() as u64 + 1,
            kind: Kind::SIGNING_KEY,
            key: Revoked::key_of(&SALT, "ES256"),
            arg: 0,
            until: LATE,
        });
    });
    let again = async || issuer.key_fetches.load(Ordering::SeqCst) > fetched;
    assert!(until(again).await, "though no token asks for it");
    assert!(becomes(&verifier, &second, 200).await);
    assert_eq!(status(&verifier, &of_session("s1")).await, 401);

    let fetched = issuer.key_fetches.load(Ordering::SeqCst);
    tokio::time::pause();
    tokio::time::advance(Duration::from_mins(5) + Duration::from_secs(1)).await;
    tokio::time::resume();
    assert!(until(async || issuer.key_fetches.load(Ordering::SeqCst) > fetched).await);
}

/// Without a word from the feed: what a document no longer holds is no key any more.
#[tokio::test]
async fn jwk_4_a_key_that_left_the_set_signs_no_more() {
    let (issuer, address) = start(|_| {}).await;
    let verifier = discover(&address, expected()).await.unwrap();
    assert!(becomes(&verifier, &of_session("s1"), 200).await);
    let mut second = jwk(Algorithm::Es256);
    second["kid"] = "second".into();
    issuer.keys.send_replace(json!({ "keys": [second] }));
    let changes = json!({ "iat": 1, "exp": LATE });
    let by_second = token(&json!({ "kid": "second" }), &changes);
    assert_eq!(status(&verifier, &by_second).await, 200, "asked for");
    assert_eq!(status(&verifier, &of_session("s1")).await, 401, "seen");
    assert_eq!(status(&verifier, &of_session("s2")).await, 401, "not seen");
}

/// Stale, never blind: what else the feed says counts, and a closed route is not certain of anything.
#[tokio::test]
async fn an_entry_of_an_unknown_kind_makes_stale_for_good() {
    for before in [true, false] {
        let (issuer, address) = start(|_| {}).await;
        let say_something_new = || {
            issuer.entries.send_modify(|all| {
                all.push(Entry {
                    seq: all.len() as u64 + 1,
                    kind: Kind::new(b'L').unwrap(),
                    key: [0; 8],
                    arg: 1,
                    until: LATE,
                });
            });
        };
        if before {
            say_something_new();
        }
        let verifier = discover(&address, expected()).await.unwrap();
        if !before {
            assert!(becomes(&verifier, &of_session("s"), 200).await);
            say_something_new();
        }
        for sid in ["s1", "s2", "s3"] {
            issuer.end(sid);
            assert!(becomes(&verifier, &of_session(sid), 401).await);
        }
        // Heartbeats have come since the first of these.
        assert_eq!(verifier.state().staleness(), None);
        assert_eq!(status(&verifier, &of_session("s")).await, 503);
    }
}

/// A key that could not be asked for may be good: that the authority was away for a moment is not held against it for long.
#[tokio::test]
async fn a_fetch_that_failed_is_repeated_after_a_second() {
    let (issuer, address) = start(|_| {}).await;
    let verifier = discover(&address, expected()).await.unwrap();
    assert!(becomes(&verifier, &of_session("s1"), 200).await);
    let second = token(
        &json!({ "kid": "second" }),
        &json!({ "iat": 1, "exp": LATE }),
    );
    let before = issuer.keys.borrow().clone();
    issuer.keys.send_replace(json!({ "keys": [] }));
    assert_eq!(status(&verifier, &second).await, 503, "nobody could say");
    let fetched = issuer.key_fetches.load(Ordering::SeqCst);
    let mut both = before;
    let mut jwk = jwk(Algorithm::Es256);
    jwk["kid"] = "second".into();
    both["keys"].as_array_mut().unwrap().push(jwk);
    issuer.keys.send_replace(both);
    assert!(until(async || status(&verifier, &second).await == 200).await);
    let asked = issuer.key_fetches.load(Ordering::SeqCst) - fetched;
    assert_eq!(asked, 1, "no more than it needs");
    assert_eq!(status(&verifier, &of_session("s1")).await, 200);
}
