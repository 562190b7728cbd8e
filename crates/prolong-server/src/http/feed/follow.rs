//! `GET /v1/feed`: what comes after a cursor, as server-sent events, or as a long poll with `Accept: application/json`.
//!
//! 1. Frames come in order and without holes; a heartbeat each second, and one at once when the reader is up to date.
//! 2. A heartbeat never comes before the entries that it vouches for.
//! 3. A reader that does not take what it is sent for [`PATIENCE`] is let go; nothing piles up for it meanwhile.
//! 4. A stream ends when the server stops, when the reader may read no more, and when what comes next is forgotten.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use futures_util::{StreamExt as _, stream};
use http::request::Parts;
use http::{HeaderMap, HeaderName, HeaderValue, header};
use prolong_protocol::feed::{Cursor, Heartbeat};
use prolong_protocol::problem::Code;
use tokio::sync::mpsc;
use tokio::time::{Instant, MissedTickBehavior, interval_at, timeout, timeout_at};

use super::gate::Reader;
use crate::Authority;
use crate::feed::{LiveFeed, Next, Seat};
use crate::http::body::Form;
use crate::http::problem::Failure;

pub(super) async fn get(
    State(authority): State<Arc<Authority>>,
    parts: Parts,
) -> Result<Response, Failure> {
    let reader = Reader::admit(&authority, &parts)?;
    let cursor = cursor(&parts)?;
    if !authority.feed.knows(&cursor) {
        return Err(Failure::new(Code::Conflict, UNKNOWN_CURSOR));
    }
    let seat = authority.streams.sit().ok_or_else(full)?;
    let follower = Follower {
        feed: authority.feed.clone(),
        reader,
        seat,
        cursor,
    };
    if wants_json(&parts.headers) {
        let longest = authority.settings.limits.request_timeout.mul_f64(0.6);
        follower.poll(longest.min(POLL)).await
    } else {
        Ok(follower.stream())
    }
}

struct Follower {
    feed: LiveFeed,
    reader: Reader,
    seat: Seat,
    cursor: Cursor,
}

/// Why a stream ended.
enum Done {
    Stopping,
    MayNoMore,
    Lost,
    Gone,
    TooSlow,
}

impl Follower {
    fn stream(self) -> Response {
        let (to, mut events) = mpsc::channel(WAITING);
        tokio::spawn(async move {
            let seq = self.cursor.seq;
            if let Done::TooSlow = self.write(&to).await {
                tracing::warn!(
                    seq,
                    "a follower of the feed did not take what it was sent; let go"
                );
            }
        });
        let events = stream::poll_fn(move |context| events.poll_recv(context));
        let mut response = Body::from_stream(events.map(Ok::<Bytes, Infallible>)).into_response();
        let headers = response.headers_mut();
        headers.insert(
            header::CONTENT_TYPE,
            HeaderValue::from_static("text/event-stream"),
        );
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        // nginx would hold events back until its buffer is full.
        headers.insert(
            HeaderName::from_static("x-accel-buffering"),
            HeaderValue::from_static("no"),
        );
        response
    }

    async fn write(mut self, to: &mpsc::Sender<Bytes>) -> Done {
        let mut log_moves = self.feed.moves();
        let mut second = interval_at(Instant::now() + BEAT, BEAT);
        second.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut beat_due = true;
        if let Err(done) = send(to, Bytes::from_static(b"retry: 1000\n\n")).await {
            return done;
        }
        loop {
            let beat = match self.catch_up(to).await {
                Ok(beat) => beat,
                Err(done) => return done,
            };
            if std::mem::take(&mut beat_due) {
                if !self.reader.still_may() {
                    return Done::MayNoMore;
                }
                if let Err(done) = send(to, beat_event(&beat)).await {
                    return done;
                }
            }
            tokio::select! {
                biased;
                () = self.seat.closing() => return Done::Stopping,
                () = to.closed() => return Done::Gone,
                _ = second.tick() => beat_due = true,
                moved = log_moves.changed() => if moved.is_err() { return Done::Stopping },
            }
        }
    }

    /// Sends every frame there is; then how far that is.
    async fn catch_up(&mut self, to: &mpsc::Sender<Bytes>) -> Result<Heartbeat, Done> {
        loop {
            match self.feed.next(&self.cursor.epoch, self.cursor.seq) {
                Next::UpToDate(beat) => return Ok(beat),
                Next::Lost => return Err(Done::Lost),
                Next::Frame(written) => {
                    let head = format!("event: frame\nid: {}\ndata: ", written.cursor);
                    let event = [head.as_bytes(), &written.json, b"\n\n"].concat();
                    send(to, event.into()).await?;
                    self.cursor = written.cursor;
                }
            }
        }
    }

    /// The next frame, or none within the time given; and how far the authority is.
    async fn poll(mut self, longest: Duration) -> Result<Response, Failure> {
        let until = Instant::now() + longest;
        let mut log_moves = self.feed.moves();
        let frame = loop {
            match self.feed.next(&self.cursor.epoch, self.cursor.seq) {
                Next::Lost => return Err(Failure::new(Code::Conflict, UNKNOWN_CURSOR)),
                Next::Frame(written) => break Some(written.json),
                Next::UpToDate(_) => {}
            }
            let waited = async {
                tokio::select! {
                    () = self.seat.closing() => false,
                    moved = log_moves.changed() => moved.is_ok(),
                }
            };
            if !timeout_at(until, waited).await.unwrap_or(false) {
                break None;
            }
        };
        let beat = serde_json::to_vec(&self.feed.heartbeat()).unwrap_or_default();
        let body = match frame {
            Some(frame) => [&b"{\"frame\":"[..], &frame, b",\"heartbeat\":", &beat, b"}"].concat(),
            None => [&b"{\"heartbeat\":"[..], &beat, b"}"].concat(),
        };
        let headers = [
            (header::CONTENT_TYPE, "application/json"),
            (header::CACHE_CONTROL, "no-store"),
        ];
        Ok((headers, body).into_response())
    }
}

async fn send(to: &mpsc::Sender<Bytes>, event: Bytes) -> Result<(), Done> {
    match timeout(PATIENCE, to.send(event)).await {
        Ok(Ok(())) => Ok(()),
        Ok(Err(_)) => Err(Done::Gone),
        Err(_) => Err(Done::TooSlow),
    }
}

fn beat_event(beat: &Heartbeat) -> Bytes {
    let json = serde_json::to_string(beat).unwrap_or_default();
    format!("event: heartbeat\ndata: {json}\n\n").into()
}

/// Where the reader stands: what an `EventSource` says when it comes back, else the parameter.
fn cursor(parts: &Parts) -> Result<Cursor, Failure> {
    let bad = |detail: String| Failure::new(Code::InvalidRequest, detail);
    let query = Form::parse(parts.uri.query().unwrap_or_default().as_bytes())
        .map_err(|fault| bad(format!("the query is not valid: {fault}")))?;
    let resumed = parts
        .headers
        .get("last-event-id")
        .and_then(|id| id.to_str().ok())
        .filter(|id| !id.is_empty());
    let text = resumed.or_else(|| query.get("cursor")).ok_or_else(|| {
        bad(
            "`cursor` is missing: take /v1/feed/snapshot first, and come from where it stands"
                .to_owned(),
        )
    })?;
    text.parse()
        .map_err(|fault| bad(format!("`cursor` {fault}")))
}

fn wants_json(headers: &HeaderMap) -> bool {
    let accepts = |kind: &str| {
        headers
            .get_all(header::ACCEPT)
            .iter()
            .filter_map(|value| value.to_str().ok())
            .any(|value| value.contains(kind))
    };
    accepts("application/json") && !accepts("text/event-stream")
}

fn full() -> Failure {
    let mut failure = Failure::new(
        Code::Unavailable,
        "as many follow the feed as may (`limits.feed_streams`), or the server is stopping",
    );
    failure.retry_after = Some(1);
    failure
}

const UNKNOWN_CURSOR: &str =
    "the feed does not go on from this cursor: take /v1/feed/snapshot, and keep what you know";
const BEAT: Duration = Duration::from_secs(1);
const PATIENCE: Duration = Duration::from_secs(10);
/// Events that may wait for a reader.
const WAITING: usize = 1;
const POLL: Duration = Duration::from_secs(3);
