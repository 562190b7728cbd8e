//! How long a connection may keep others waiting, to the second, and how many there may be. Time is virtual: it passes
//! when nothing else is left to do, so whatever the server owes is done before.

use std::future::Future;
use std::net::SocketAddr;
use std::time::Duration;

use prolong_core::PolicyDraft;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio::time::{Instant, timeout};

use super::{Listening, serve};
use crate::settings::Limits;
use crate::world::{World, world_with};

const HEAD: Duration = Duration::from_secs(10);
const REQUEST: Duration = Duration::from_secs(15);
/// Six times as long as for a head.
const STILL: Duration = Duration::from_mins(1);
/// What a timer of a millisecond and a byte in between may add.
const MORE: Duration = Duration::from_secs(1);
const ASKED: &[u8] = b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n";

struct Served {
    at: SocketAddr,
    stop: oneshot::Sender<()>,
    task: JoinHandle<World>,
}

async fn served(connections: usize) -> Served {
    let w = world_with(PolicyDraft::default(), |settings| {
        settings.limits = Limits {
            head_timeout: HEAD,
            request_timeout: REQUEST,
            connections,
            ..settings.limits.clone()
        };
    })
    .await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let at = listener.local_addr().unwrap();
    let (stop, stopped) = oneshot::channel();
    let task = tokio::spawn(async move {
        let places = vec![Listening::Tcp(listener, w.router.clone())];
        serve(&w.authority, places, async {
            let _ = stopped.await;
        })
        .await;
        w
    });
    Served { at, stop, task }
}

impl Served {
    async fn connect(&self) -> TcpStream {
        TcpStream::connect(self.at).await.unwrap()
    }

    async fn end(self) -> Duration {
        let begun = Instant::now();
        self.stop.send(()).unwrap();
        self.task.await.unwrap();
        begun.elapsed()
    }
}

/// What comes back until the other side closes.
async fn heard(stream: &mut TcpStream) -> String {
    let mut bytes = Vec::new();
    // A reset counts as closing.
    let _ = stream.read_to_end(&mut bytes).await;
    String::from_utf8_lossy(&bytes).into_owned()
}

/// One byte each half second, until it is let go.
async fn drip(stream: &mut TcpStream, byte: u8) -> String {
    let mut answer = Vec::new();
    loop {
        if stream.write_all(&[byte]).await.is_err() {
            break;
        }
        let read = timeout(Duration::from_millis(500), stream.read_buf(&mut answer));
        if let Ok(Ok(0) | Err(_)) = read.await {
            break;
        }
    }
    String::from_utf8_lossy(&answer).into_owned()
}

/// How long this took, which is `expected` or a little more.
async fn lasts<T>(expected: Duration, work: impl Future<Output = T>) -> T {
    let begun = Instant::now();
    let outcome = work.await;
    let lasted = begun.elapsed();
    assert!(
        (expected..expected + MORE).contains(&lasted),
        "{lasted:?} instead of {expected:?}"
    );
    outcome
}

async fn answered(stream: &mut TcpStream) -> String {
    stream.write_all(ASKED).await.unwrap();
    let mut some = vec![0; 4096];
    let read = stream.read(&mut some).await.unwrap();
    let text = String::from_utf8_lossy(&some[..read]).into_owned();
    assert!(text.starts_with("HTTP/1.1 200"), "{text}");
    text
}

#[tokio::test(start_paused = true)]
async fn silence_and_a_slow_head_are_cut_off_after_the_time_for_a_head() {
    let server = served(10).await;
    let mut silent = server.connect().await;
    assert_eq!(lasts(HEAD, heard(&mut silent)).await, "");
    let mut slow = server.connect().await;
    slow.write_all(b"GET /healthz HTTP/1.1\r\nHost: x\r\nX-A: ")
        .await
        .unwrap();
    let said = lasts(HEAD, drip(&mut slow, b'a')).await;
    assert!(!said.contains(" 200 "), "{said}");
    // A later one on a connection that has been of use.
    let mut later = server.connect().await;
    answered(&mut later).await;
    let said = lasts(HEAD, drip(&mut later, b'G')).await;
    assert!(!said.contains(" 200 "), "{said}");
    server.end().await;
}

#[tokio::test(start_paused = true)]
async fn a_slow_body_is_cut_off_after_the_time_for_a_request() {
    let server = served(10).await;
    let mut slow = server.connect().await;
    slow.write_all(
        b"POST /oauth/token HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\
          Content-Type: application/x-www-form-urlencoded\r\nContent-Length: 60000\r\n\r\n",
    )
    .await
    .unwrap();
    let said = lasts(REQUEST, drip(&mut slow, b'a')).await;
    assert!(said.starts_with("HTTP/1.1 408"), "{said}");
    server.end().await;
}

#[tokio::test(start_paused = true)]
async fn whoever_asks_no_more_keeps_no_seat() {
    let server = served(10).await;
    let mut still = server.connect().await;
    answered(&mut still).await;
    let begun = Instant::now();
    assert_eq!(heard(&mut still).await, "");
    assert!(
        begun.elapsed() <= STILL + HEAD + MORE,
        "{:?}",
        begun.elapsed()
    );
    server.end().await;
}

#[tokio::test(start_paused = true)]
async fn there_are_no_more_connections_than_seats() {
    let server = served(2).await;
    let mut first = server.connect().await;
    let mut second = server.connect().await;
    answered(&mut first).await;
    answered(&mut second).await;
    let mut third = server.connect().await;
    third.write_all(ASKED).await.unwrap();
    let mut some = [0; 15];
    let early = timeout(Duration::from_secs(5), third.read(&mut some)).await;
    assert!(early.is_err(), "a third was served");
    drop(first);
    third.read_exact(&mut some).await.unwrap();
    assert_eq!(&some, b"HTTP/1.1 200 OK");
    server.end().await;
}

/// It waits for what is under way and for nothing else, and that not for ever.
#[tokio::test(start_paused = true)]
async fn a_stop_waits_for_nobody_longer_than_it_says() {
    let idle = served(10).await;
    let mut still = idle.connect().await;
    answered(&mut still).await;
    assert_eq!(idle.end().await, Duration::ZERO);
    assert_eq!(heard(&mut still).await, "");

    let busy = served(10).await;
    let mut slow = busy.connect().await;
    slow.write_all(b"POST /oauth/token HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\na")
        .await
        .unwrap();
    // The server has read that much.
    let mut other = busy.connect().await;
    answered(&mut other).await;
    let lasted = busy.end().await;
    assert!(
        (Duration::from_secs(8)..Duration::from_secs(9)).contains(&lasted),
        "{lasted:?}"
    );
}
