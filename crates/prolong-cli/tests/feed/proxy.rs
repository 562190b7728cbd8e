//! A proxy between authority and verifier that spoils the feed, by a seed.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use parking_lot::Mutex;
use tokio::net::TcpListener;
use tokio::sync::mpsc;

/// What was done to the feed, to see that everything was.
pub(crate) const FAULTS: [&str; 9] = [
    "dropped",
    "repeated",
    "swapped",
    "truncated",
    "cut",
    "stalled",
    "forged",
    "refused",
    "old snapshot",
];

pub(crate) struct Proxy {
    upstream: String,
    http: reqwest::Client,
    random: Mutex<u64>,
    honest: AtomicBool,
    pub(crate) counts: [AtomicUsize; FAULTS.len()],
    old_snapshot: Mutex<Option<Bytes>>,
    running: Mutex<Vec<tokio::task::AbortHandle>>,
    pub(crate) address: String,
}

type Chunk = Result<Bytes, std::io::Error>;

impl Proxy {
    /// In front of `upstream`; honest until told otherwise.
    pub(crate) async fn start(upstream: &str, seed: u64) -> Arc<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let proxy = Arc::new(Self {
            upstream: upstream.to_owned(),
            http: reqwest::Client::builder().no_proxy().build().unwrap(),
            random: Mutex::new(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1),
            honest: AtomicBool::new(true),
            counts: Default::default(),
            old_snapshot: Mutex::new(None),
            running: Mutex::new(Vec::new()),
            address: format!("http://{}", listener.local_addr().unwrap()),
        });
        let app = Router::new().fallback(pass).with_state(Arc::clone(&proxy));
        let serving = tokio::spawn(async move { axum::serve(listener, app).await });
        proxy.running.lock().push(serving.abort_handle());
        proxy
    }

    pub(crate) fn be_honest(&self, honest: bool) {
        self.honest.store(honest, Ordering::SeqCst);
    }

    /// xorshift64*.
    fn draw(&self, below: u64) -> u64 {
        let mut state = self.random.lock();
        *state ^= *state >> 12;
        *state ^= *state << 25;
        *state ^= *state >> 27;
        (state.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 33) % below
    }

    /// One of the faults, by its place in [`FAULTS`], or none.
    fn fault(&self) -> Option<usize> {
        if self.honest.load(Ordering::SeqCst) || self.draw(100) >= 40 {
            return None;
        }
        usize::try_from(self.draw(7)).ok()
    }

    fn note(&self, fault: usize) {
        self.counts[fault].fetch_add(1, Ordering::SeqCst);
    }

    async fn spoil(self: Arc<Self>, mut upstream: reqwest::Response, to: mpsc::Sender<Chunk>) {
        let mut buffer = Vec::new();
        let mut held: Option<Bytes> = None;
        while let Ok(Some(chunk)) = upstream.chunk().await {
            buffer.extend_from_slice(&chunk);
            while let Some(end) = buffer.windows(2).position(|two| two == b"\n\n") {
                let rest = buffer.split_off(end + 2);
                let event = Bytes::from(std::mem::replace(&mut buffer, rest));
                let fault = self.fault();
                if let Some(fault) = fault {
                    self.note(fault);
                }
                let send: Vec<Bytes> = match fault {
                    Some(0) => Vec::new(),
                    Some(1) => vec![event.clone(), event],
                    Some(2) => {
                        // Kept back, and sent after the next one.
                        if let Some(older) = held.replace(event) {
                            vec![older]
                        } else {
                            Vec::new()
                        }
                    }
                    Some(3) => {
                        let half = event.slice(..event.len() / 2);
                        let _ = to.send(Ok(half)).await;
                        return;
                    }
                    Some(4) => {
                        let broken = std::io::Error::other("cut");
                        let _ = to.send(Err(broken)).await;
                        return;
                    }
                    Some(5) => {
                        // The connection stays open, and nothing comes.
                        to.closed().await;
                        return;
                    }
                    Some(_) => vec![forged(&event)],
                    None => std::iter::once(event).chain(held.take()).collect(),
                };
                for event in send {
                    if to.send(Ok(event)).await.is_err() {
                        return;
                    }
                }
            }
        }
    }
}

/// Another key in an entry, or another number in a heartbeat.
fn forged(event: &Bytes) -> Bytes {
    let text = String::from_utf8_lossy(event);
    let forged = match text.find("\"key\":\"") {
        Some(at) => {
            let at = at + 7;
            let other = if &text[at..=at] == "0" { "1" } else { "0" };
            format!("{}{other}{}", &text[..at], &text[at + 1..])
        }
        None => text.replacen("\"head\":", "\"head\":1", 1),
    };
    forged.into()
}

async fn pass(State(proxy): State<Arc<Proxy>>, request: Request) -> Response {
    let target = request.uri().path_and_query().unwrap().to_string();
    let feed = target.starts_with("/v1/feed");
    let dishonest = !proxy.honest.load(Ordering::SeqCst);
    if feed && dishonest && proxy.draw(100) < 20 {
        proxy.note(7);
        return StatusCode::BAD_GATEWAY.into_response();
    }
    let (parts, body) = request.into_parts();
    let body = axum::body::to_bytes(body, 1 << 20).await.unwrap();
    let mut forward = proxy
        .http
        .request(parts.method, format!("{}{target}", proxy.upstream))
        .body(body);
    for name in ["authorization", "content-type", "accept"] {
        if let Some(value) = parts.headers.get(name) {
            forward = forward.header(name, value);
        }
    }
    let Ok(upstream) = forward.send().await else {
        return StatusCode::BAD_GATEWAY.into_response();
    };
    let status = upstream.status();
    if target.starts_with("/v1/feed?") && status.is_success() {
        let (to, mut events) = mpsc::channel::<Chunk>(4);
        let spoiling = tokio::spawn(Arc::clone(&proxy).spoil(upstream, to));
        proxy.running.lock().push(spoiling.abort_handle());
        let stream = futures_util::stream::poll_fn(move |context| events.poll_recv(context));
        return Body::from_stream(stream).into_response();
    }
    let Ok(bytes) = upstream.bytes().await else {
        return StatusCode::BAD_GATEWAY.into_response();
    };
    if target == "/v1/feed/snapshot" && status.is_success() {
        let old = proxy
            .old_snapshot
            .lock()
            .get_or_insert(bytes.clone())
            .clone();
        if dishonest && proxy.draw(100) < 30 {
            proxy.note(8);
            return old.into_response();
        }
    }
    (status, bytes).into_response()
}

impl Drop for Proxy {
    fn drop(&mut self) {
        for task in self.running.lock().drain(..) {
            task.abort();
        }
    }
}

/// So long the network misbehaves.
pub(crate) const MISBEHAVIOUR: Duration = Duration::from_secs(8);
