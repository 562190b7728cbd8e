//! The feed over HTTP, without a network and with a clock that runs ahead while everybody waits.

use std::time::Duration;

use http::StatusCode;
use prolong_core::PolicyDraft;
use prolong_protocol::feed::{Cursor, Kind, Poll, Snapshot};
use prolong_verify::{Follower, Need};
use tokio::time::{Instant, timeout};

use super::reading::{Event, SOON, cursor};
use crate::world::{World, world, world_with};

async fn guarded() -> (World, String) {
    let w = world(PolicyDraft::default()).await;
    let token = w.machine("prolong:feed").await;
    (w, token)
}

#[tokio::test(start_paused = true)]
async fn it_takes_the_scope_of_a_machine() {
    let (w, token) = guarded().await;
    let other = w.machine("prolong:admin").await;
    let user = format!("Bearer {}", w.signed_in("web").await.answer.access_token);
    let at = cursor(&w.snapshot(&token).await);
    for path in [
        "/v1/feed/snapshot".to_owned(),
        format!("/v1/feed?cursor={at}"),
    ] {
        let json = ("accept", "application/json");
        let bare = w.send("GET", &path, &[json], "").await;
        assert_eq!(
            (bare.status, bare.text("code")),
            (StatusCode::UNAUTHORIZED, "MISSING_TOKEN")
        );
        for token in [&other, &user] {
            let refused = w
                .send("GET", &path, &[json, ("authorization", token)], "")
                .await;
            assert_eq!(refused.text("code"), "INSUFFICIENT_SCOPE");
            assert!(refused.header("www-authenticate").contains("prolong:feed"));
        }
        let good = w
            .send("GET", &path, &[json, ("authorization", &token)], "")
            .await;
        assert_eq!(good.status, StatusCode::OK);
    }
}

#[tokio::test(start_paused = true)]
async fn a_snapshot_says_where_it_stands_and_is_not_sent_twice() {
    let (w, token) = guarded().await;
    let empty = w.snapshot(&token).await;
    assert_eq!((empty.seq, empty.entries.len()), (0, 0));
    w.one_end().await;
    let get = async |more: &[(&str, &str)]| {
        let headers = [&[("authorization", token.as_str())], more].concat();
        w.send("GET", "/v1/feed/snapshot", &headers, "").await
    };
    let first = get(&[]).await;
    let snapshot: Snapshot = serde_json::from_value(first.body.clone()).unwrap();
    assert_eq!((snapshot.seq, snapshot.entries.len()), (1, 1));
    assert_eq!(snapshot.entries[0].kind, Kind::SESSION);
    assert_eq!(first.header("prolong-as-of"), "1800000000");
    assert_eq!(first.header("cache-control"), "private, no-cache");
    let tag = first.header("etag").to_owned();
    assert_eq!(tag, format!("W/\"{}.1\"", snapshot.epoch));
    for known in [tag.clone(), format!("\"x\", {tag}"), tag.replace("W/", "")] {
        let again = get(&[("if-none-match", &known)]).await;
        assert_eq!(again.status, StatusCode::NOT_MODIFIED);
        assert!(again.body.is_null());
    }
    w.one_end().await;
    assert_eq!(get(&[("if-none-match", &tag)]).await.status, StatusCode::OK);
    assert_eq!(w.snapshot(&token).await.seq, 2);
}

#[tokio::test(start_paused = true)]
async fn an_end_is_sent_as_it_is_acknowledged_and_a_follower_takes_it() {
    let (w, token) = guarded().await;
    w.one_end().await;
    let snapshot = w.snapshot(&token).await;
    let mut follower = Follower::default();
    follower.snapshot(&snapshot);
    let mut events = w
        .follow(&cursor(&snapshot).to_string(), &[("authorization", &token)])
        .await;
    assert_eq!(events.headers["content-type"], "text/event-stream");
    assert_eq!(events.headers["cache-control"], "no-store");
    assert_eq!(events.headers["x-accel-buffering"], "no");
    let Some(Event::Heartbeat(beat)) = events.next().await else {
        panic!("who is up to date hears so at once")
    };
    assert_eq!((beat.head, beat.as_of), (1, 1_800_000_000));
    assert_eq!(follower.heartbeat(&beat, beat.as_of), Need::Nothing);
    w.one_end().await;
    w.one_end().await;
    let mut last = String::new();
    while follower.cursor().unwrap().seq < 3 {
        let Some(Event::Frame(id, frame)) = events.next().await else {
            panic!("entries come before the heartbeat that vouches for them")
        };
        assert_eq!(follower.frame(&frame), Need::Nothing);
        assert_eq!(id, follower.cursor().unwrap().to_string());
        last = id;
    }
    assert_eq!(follower.revoked().len(), 3);
    let Some(Event::Heartbeat(beat)) = events.next().await else {
        panic!("a heartbeat each second")
    };
    assert_eq!(follower.heartbeat(&beat, beat.as_of), Need::Nothing);

    // An `EventSource` that comes back says where it stood, whatever its URL says.
    w.one_end().await;
    let old = cursor(&snapshot).to_string();
    let mut back = w
        .follow(&old, &[("authorization", &token), ("last-event-id", &last)])
        .await;
    let Some(Event::Frame(_, frame)) = back.next().await else {
        panic!("what it missed")
    };
    assert_eq!((frame.first, frame.last), (4, 4));
}

#[tokio::test(start_paused = true)]
async fn a_long_way_comes_in_several_frames() {
    let (w, token) = guarded().await;
    let start = cursor(&w.snapshot(&token).await);
    let entry = w.authority.key_dead("k");
    let changes = vec![prolong_store::Change::AppendFeed(entry); 625];
    let transaction = prolong_store::Transaction { changes };
    w.authority.commit_and_tell(transaction).await.unwrap();
    let mut events = w
        .follow(&start.to_string(), &[("authorization", &token)])
        .await;
    let mut seen = Vec::new();
    while let Some(Event::Frame(_, frame)) = events.next().await {
        assert!(seen.len() < 4, "and then a heartbeat");
        seen.push((frame.first, frame.last, frame.entries.len()));
    }
    assert_eq!(seen, [(1, 250, 250), (251, 500, 250), (501, 625, 125)]);
}

#[tokio::test(start_paused = true)]
async fn a_cursor_must_be_given_well_formed_and_known() {
    let (w, token) = guarded().await;
    w.one_end().await;
    let good = cursor(&w.snapshot(&token).await);
    let get = async |query: &str| {
        let answer = w
            .send(
                "GET",
                &format!("/v1/feed{query}"),
                &[("authorization", &token), ("accept", "application/json")],
                "",
            )
            .await;
        (
            answer.status.as_u16(),
            answer.text("code").to_owned(),
            answer.text("detail").to_owned(),
        )
    };
    for query in [
        "",
        "?cursor=",
        "?cursor=1",
        "?cursor=e.1.zz",
        "?cursor=a&cursor=b",
    ] {
        let (status, code, detail) = get(query).await;
        assert_eq!((status, code.as_str()), (422, "INVALID_REQUEST"), "{query}");
        assert!(detail.contains("cursor"), "{detail}");
    }
    for unknown in [
        Cursor {
            epoch: "00".into(),
            ..good.clone()
        },
        Cursor {
            seq: 2,
            ..good.clone()
        },
        Cursor {
            seq: u64::MAX,
            ..good.clone()
        },
        Cursor {
            chain: prolong_protocol::feed::Chain([1; 16]),
            ..good.clone()
        },
    ] {
        let (status, code, detail) = get(&format!("?cursor={unknown}")).await;
        assert_eq!((status, code.as_str()), (409, "CONFLICT"), "{unknown}");
        assert!(detail.contains("snapshot"), "{detail}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_long_poll_waits_for_what_comes() {
    let (w, token) = guarded().await;
    let mut at = cursor(&w.snapshot(&token).await);
    let poll = async |at: &Cursor| -> Poll {
        let headers = [
            ("authorization", token.as_str()),
            ("accept", "application/json"),
        ];
        let answer = w
            .send("GET", &format!("/v1/feed?cursor={at}"), &headers, "")
            .await;
        assert_eq!(answer.status, StatusCode::OK, "{}", answer.body);
        assert_eq!(answer.header("cache-control"), "no-store");
        serde_json::from_value(answer.body).unwrap()
    };
    let begun = tokio::time::Instant::now();
    let nothing = poll(&at).await;
    assert_eq!((nothing.frame, nothing.heartbeat.head), (None, 0));
    assert_eq!(
        begun.elapsed().as_secs(),
        3,
        "within the time for any request"
    );

    let (found, ()) = tokio::join!(poll(&at), w.one_end());
    let frame = found.frame.unwrap();
    assert_eq!((frame.first, frame.last, found.heartbeat.head), (1, 1, 1));
    w.one_end().await;
    at.seq = frame.last;
    at.chain = frame.chain;
    let begun = tokio::time::Instant::now();
    assert_eq!(poll(&at).await.frame.unwrap().last, 2);
    assert!(begun.elapsed().is_zero(), "what is there is not waited for");
}

#[tokio::test(start_paused = true)]
async fn there_are_so_many_seats_and_who_does_not_read_loses_theirs() {
    let w = world_with(PolicyDraft::default(), |settings| {
        settings.limits.feed_streams = 1;
    })
    .await;
    let token = w.machine("prolong:feed").await;
    let at = cursor(&w.snapshot(&token).await).to_string();
    let mut first = w.follow(&at, &[("authorization", &token)]).await;
    assert!(first.next().await.is_some());
    let second = w.follow(&at, &[("authorization", &token)]).await;
    assert_eq!(second.status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(second.headers["retry-after"], "1");

    // It takes heartbeats as long as they fit, and then nothing.
    tokio::time::sleep(Duration::from_secs(10)).await;
    assert_eq!(w.authority.streams.taken(), 1, "slow is not yet too slow");
    tokio::time::sleep(Duration::from_secs(10)).await;
    assert_eq!(w.authority.streams.taken(), 0);
    assert!(first.ended().await, "it gets what it was sent, and the end");

    let mut third = w.follow(&at, &[("authorization", &token)]).await;
    assert!(third.next().await.is_some());
    drop(third);
    let left = async {
        while w.authority.streams.taken() > 0 {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    timeout(SOON, left).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_stream_ends_with_the_server_and_with_its_token() {
    let (w, token) = guarded().await;
    let at = cursor(&w.snapshot(&token).await).to_string();
    let mut events = w.follow(&at, &[("authorization", &token)]).await;
    assert!(events.next().await.is_some());
    w.later(899);
    assert!(events.next().await.is_some());
    w.later(1);
    assert!(events.ended().await, "the token is over");

    let token = w.machine("prolong:feed").await;
    let mut events = w.follow(&at, &[("authorization", &token)]).await;
    assert!(events.next().await.is_some());
    let kid = w.authority.signing.list()[0].kid.clone();
    w.authority
        .distrust_signing_key(&kid, "operator")
        .await
        .unwrap();
    assert!(
        matches!(events.next().await, Some(Event::Frame(..))),
        "it hears of it still"
    );
    assert!(events.ended().await, "its key is dead");

    let token = w.machine("prolong:feed").await;
    let at = cursor(&w.snapshot(&token).await).to_string();
    let mut events = w.follow(&at, &[("authorization", &token)]).await;
    assert!(events.next().await.is_some());
    w.authority.streams.close();
    assert!(events.ended().await, "the server stops");
    let late = w.follow(&at, &[("authorization", &token)]).await;
    assert_eq!(late.status, StatusCode::SERVICE_UNAVAILABLE);
}

#[tokio::test(start_paused = true)]
async fn a_public_feed_is_for_everybody_until_ids_can_be_guessed() {
    let w = world_with(PolicyDraft::default(), |settings| {
        settings.feed_public = true;
    })
    .await;
    let open = w.send("GET", "/v1/feed/snapshot", &[], "").await;
    assert_eq!(open.status, StatusCode::OK);
    let at: Snapshot = serde_json::from_value(open.body).unwrap();
    let at = cursor(&at).to_string();
    let mut events = w.follow(&at, &[]).await;
    assert!(events.next().await.is_some());

    w.signed_in("web").await; // "maryo": an id from outside
    assert!(events.ended().await, "closed to everybody");
    let closed = w.send("GET", "/v1/feed/snapshot", &[], "").await;
    assert_eq!(closed.text("code"), "MISSING_TOKEN");
    assert!(
        closed.text("detail").contains("brought from outside"),
        "{}",
        closed.body
    );
    assert_eq!(w.follow(&at, &[]).await.status, StatusCode::UNAUTHORIZED);
    let token = w.machine("prolong:feed").await;
    w.snapshot(&token).await;
}

#[tokio::test(start_paused = true)]
async fn a_heartbeat_comes_at_once_and_then_each_second() {
    let (w, token) = guarded().await;
    let at = cursor(&w.snapshot(&token).await).to_string();
    let begun = Instant::now();
    let mut events = w.follow(&at, &[("authorization", &token)]).await;
    for second in 0..4 {
        let event = events.next().await;
        assert!(matches!(event, Some(Event::Heartbeat(_))), "{event:?}");
        assert_eq!(begun.elapsed().as_secs(), second);
    }
}

#[tokio::test(start_paused = true)]
async fn freshness_is_claimed_only_after_a_look_at_the_store() {
    let (w, token) = guarded().await;
    let at = cursor(&w.snapshot(&token).await).to_string();
    let mut events = w.follow(&at, &[("authorization", &token)]).await;
    w.later(100);
    for _ in 0..3 {
        let Some(Event::Heartbeat(beat)) = events.next().await else {
            panic!("only heartbeats")
        };
        assert_eq!(beat.as_of, 1_800_000_000, "nobody looked");
    }
    w.authority.follow_feed().await.unwrap();
    let mut looks = 0..10;
    let as_of = loop {
        assert!(looks.next().is_some(), "it looked");
        if let Some(Event::Heartbeat(beat)) = events.next().await
            && beat.as_of != 1_800_000_000
        {
            break beat.as_of;
        }
    };
    assert_eq!(as_of, 1_800_000_100);
}

#[tokio::test(start_paused = true)]
async fn what_is_forgotten_while_a_reader_was_away_sends_it_to_a_snapshot() {
    let (w, token) = guarded().await;
    let start = cursor(&w.snapshot(&token).await).to_string();
    w.one_end().await;
    let there = cursor(&w.snapshot(&token).await).to_string();
    w.one_end().await;
    w.later(3600);
    w.authority.feed.prune(w.authority.clock.now());
    let token = w.machine("prolong:feed").await;
    assert!(w.snapshot(&token).await.entries.is_empty());
    for at in [&start, &there] {
        assert_eq!(
            w.follow(at, &[("authorization", &token)]).await.status,
            StatusCode::CONFLICT
        );
    }
    let head = cursor(&w.snapshot(&token).await).to_string();
    assert_eq!(
        w.follow(&head, &[("authorization", &token)]).await.status,
        StatusCode::OK
    );
}
