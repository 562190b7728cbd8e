//! What the layer costs a request whose token was seen before: `cargo bench -p prolong-verify --features axum --bench layer`.
//!
//! First without a network: one call of an axum router, with and without the layer. Then over loopback: requests a second
//! by 16 connections kept alive, client and server on the same cores, bare and layered in turns.
//!
//! `-- count WHICH TIMES` makes so many calls of one of the four routers and no more, to count instructions.
#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::panic,
    reason = "a bench that cannot set its scene should stop, and it prints"
)]

use std::{
    future::Future,
    hint::black_box,
    pin::pin,
    sync::Arc,
    task::{Context, Poll, Waker},
    time::{Duration, Instant},
};

use axum::{Router, body::Body, routing::get};
use http::{Request, Response};
use prolong_verify::{AccessLayer, Algorithm, State, axum::Session};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
};
use tower::Service;

mod entries;
#[expect(dead_code, reason = "the tests use more of it")]
#[path = "../tests/verifier/mint.rs"]
mod mint;
#[expect(dead_code, reason = "other benches use more of it")]
mod rounds;

use entries::revoked;
use mint::{NOW, claims, expected, header, keys, signed};
use rounds::{Rounds, median};

const CONNECTIONS: usize = 16;
const WINDOW: Duration = Duration::from_millis(700);

fn layer() -> AccessLayer {
    let state = State::new(expected(), &[1; 32]).with_clock(|| {
        // The clock is read as the real one is.
        black_box(Instant::now());
        NOW
    });
    state.set_keys(keys());
    state.set_revoked(revoked(10_000));
    state.set_fresh(NOW);
    AccessLayer::new(Arc::new(state))
}

fn token() -> String {
    let header = header(Algorithm::EdDsa).to_string();
    signed(Algorithm::EdDsa, &header, claims().to_string().as_bytes())
}

/// The same answer from all of them.
fn bare() -> Router {
    Router::new().route("/", get(async || "hello u1"))
}

/// What axum itself takes for any layer of a route.
fn empty() -> Router {
    let nothing = tower::layer::layer_fn(|service| service);
    Router::new().route("/", get(async || "hello u1").layer(nothing))
}

fn layered() -> Router {
    Router::new().route(
        "/",
        get(async || "hello u1").layer(layer().scope("orders:read")),
    )
}

fn with_session() -> Router {
    let hello = async |session: Session| format!("hello {}", session.subject());
    Router::new().route("/", get(hello).layer(layer().scope("orders:read")))
}

fn request(token: &str) -> Request<Body> {
    let request = Request::get("/").header("authorization", format!("Bearer {token}"));
    request.body(Body::empty()).unwrap()
}

/// No part of it waits for anything.
fn call(router: &mut Router, request: Request<Body>) -> Response<Body> {
    let mut answer = pin!(router.call(request));
    match answer
        .as_mut()
        .poll(&mut Context::from_waker(Waker::noop()))
    {
        Poll::Ready(answer) => answer.unwrap(),
        Poll::Pending => panic!("it waits"),
    }
}

fn main() {
    let token = token();
    let mut routers = [bare(), empty(), layered(), with_session()];
    for router in &mut routers {
        assert_eq!(call(router, request(&token)).status(), 200);
    }
    let arguments: Vec<String> = std::env::args().collect();
    if let Some(at) = arguments.iter().position(|word| word == "count") {
        let (which, times): (usize, u32) = (
            arguments[at + 1].parse().unwrap(),
            arguments[at + 2].parse().unwrap(),
        );
        for _ in 0..times {
            black_box(call(&mut routers[which], request(&token)));
        }
        return;
    }
    let [mut one, mut two, mut three, mut four] = routers;
    let mut rounds = Rounds::new();
    rounds.add("request", || request(&token));
    rounds.add("bare", || call(&mut one, request(&token)));
    rounds.add("empty", || call(&mut two, request(&token)));
    rounds.add("layered", || call(&mut three, request(&token)));
    rounds.add("with session", || call(&mut four, request(&token)));
    rounds.run(3000);
    println!("| a call without network | ns |\n|---|---|");
    println!("| bare axum | {:.0} |", rounds.above("bare", "request"));
    println!(
        "| a layer that does nothing | {:+.0} |",
        rounds.above("empty", "bare")
    );
    println!(
        "| the layer, with a scope | {:+.0} |",
        rounds.above("layered", "bare")
    );
    println!(
        "| and a handler that uses the session | {:+.0} |",
        rounds.above("with session", "bare")
    );

    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(over_loopback(&token));
}

async fn over_loopback(token: &str) {
    let mut servers = Vec::new();
    for router in [bare(), layered(), with_session()] {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        servers.push((listener.local_addr().unwrap(), Vec::new(), Vec::new()));
        tokio::spawn(async move { axum::serve(listener, router).await });
    }
    for _ in 0..11 {
        let mut first = None;
        for (address, rates, ratios) in &mut servers {
            let rate = load(*address, token).await;
            ratios.push(rate / *first.get_or_insert(rate));
            rates.push(rate);
        }
    }
    println!(
        "\n| {CONNECTIONS} connections over loopback | requests/s | of bare axum |\n|---|---|---|"
    );
    for ((_, rates, ratios), name) in servers.into_iter().zip([
        "bare axum",
        "the layer, with a scope",
        "and a handler that uses the session",
    ]) {
        println!("| {name} | {:.0} | {:.3} |", median(rates), median(ratios));
    }
}

/// Requests a second.
async fn load(address: std::net::SocketAddr, token: &str) -> f64 {
    let asked = format!("GET / HTTP/1.1\r\nhost: a\r\nauthorization: Bearer {token}\r\n\r\n");
    let end = Instant::now() + WINDOW;
    let mut connections = tokio::task::JoinSet::new();
    for _ in 0..CONNECTIONS {
        let asked = asked.clone();
        connections.spawn(async move {
            let mut stream = TcpStream::connect(address).await.unwrap();
            stream.set_nodelay(true).unwrap();
            let mut answer = [0; 1024];
            let mut done = 0_u32;
            while Instant::now() < end {
                stream.write_all(asked.as_bytes()).await.unwrap();
                let length = stream.read(&mut answer).await.unwrap();
                assert!(
                    answer[..length].starts_with(b"HTTP/1.1 200"),
                    "{}",
                    String::from_utf8_lossy(&answer[..length])
                );
                assert!(answer[..length].ends_with(b"hello u1"));
                done += 1;
            }
            done
        });
    }
    let done: u32 = connections.join_all().await.into_iter().sum();
    f64::from(done) / WINDOW.as_secs_f64()
}
