//! How the tests read the feed.

use std::time::Duration;

use axum::body::Body;
use bytes::Bytes;
use futures_util::{Stream, StreamExt as _};
use http::{HeaderMap, Request, StatusCode};
use prolong_core::EndReason;
use prolong_protocol::feed::{Cursor, Frame, Heartbeat, Snapshot};
use tokio::time::timeout;
use tower::ServiceExt as _;

use crate::world::{FORM, World};

/// Far more than any of it takes.
pub(super) const SOON: Duration = Duration::from_mins(1);
pub(super) const OPS: (&str, &str) = ("authorization", "Basic b3BzOnMzY3JldA==");

impl World {
    pub(super) async fn machine(&self, scope: &str) -> String {
        let form = format!("grant_type=client_credentials&scope={scope}");
        let answer = self.send("POST", "/oauth/token", &[FORM, OPS], &form).await;
        format!("Bearer {}", answer.text("access_token"))
    }

    pub(super) async fn snapshot(&self, token: &str) -> Snapshot {
        let answer = self
            .send("GET", "/v1/feed/snapshot", &[("authorization", token)], "")
            .await;
        assert_eq!(answer.status, StatusCode::OK, "{}", answer.body);
        serde_json::from_value(answer.body).unwrap()
    }

    pub(super) async fn follow(&self, cursor: &str, headers: &[(&str, &str)]) -> Events {
        let mut request = Request::get(format!("/v1/feed?cursor={cursor}"));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = request.body(Body::empty()).unwrap();
        let response = self.router.clone().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        Events {
            status: parts.status,
            headers: parts.headers,
            body: Box::pin(body.into_data_stream().map(Result::unwrap)),
        }
    }

    /// Signs in and out.
    pub(super) async fn one_end(&self) {
        let session = self.signed_in("web").await.session;
        let ended = self
            .authority
            .end_session(session.id, None, EndReason::SignedOut, "user");
        ended.await.unwrap();
    }
}

/// A stream of events; every body chunk is one.
pub(super) struct Events {
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
    body: std::pin::Pin<Box<dyn Stream<Item = Bytes> + Send>>,
}

#[derive(Debug)]
pub(super) enum Event {
    Frame(String, Frame),
    Heartbeat(Heartbeat),
}

impl Events {
    /// `None` where the stream ended.
    pub(super) async fn next(&mut self) -> Option<Event> {
        loop {
            let chunk = timeout(SOON, self.body.next()).await.unwrap()?;
            let text = String::from_utf8(chunk.to_vec()).unwrap();
            let member = |name: &str| {
                let mut lines = text.lines();
                lines.find_map(|line| Some(line.strip_prefix(name)?.to_owned()))
            };
            match member("event: ").as_deref() {
                Some("frame") => {
                    let frame = serde_json::from_str(&member("data: ").unwrap()).unwrap();
                    return Some(Event::Frame(member("id: ").unwrap(), frame));
                }
                Some("heartbeat") => {
                    let beat = serde_json::from_str(&member("data: ").unwrap()).unwrap();
                    return Some(Event::Heartbeat(beat));
                }
                _ => assert_eq!(text, "retry: 1000\n\n"),
            }
        }
    }

    /// Whether it ends within a few heartbeats.
    pub(super) async fn ended(&mut self) -> bool {
        for _ in 0..10 {
            match self.next().await {
                None => return true,
                Some(event) => assert!(matches!(event, Event::Heartbeat(_)), "{event:?}"),
            }
        }
        false
    }
}

pub(super) fn cursor(snapshot: &Snapshot) -> Cursor {
    Cursor {
        epoch: snapshot.epoch.clone(),
        seq: snapshot.seq,
        chain: snapshot.chain,
    }
}
