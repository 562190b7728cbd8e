//! Swaps and ends: what they compare, what they merge, who wins.

use std::sync::Arc;
use std::time::Duration;

use prolong_core::{
    AttemptHash, EndReason, FeedKind, Flags, Generation, KeyId, Life, Limit, ProducedBy,
    SecretHash, Session, SessionId, Standing,
};

use super::{at, at_once, conflict, entry, ok, rotation, session, stored, user, with_session};
use crate::{Change, NotCommitted, Store, Transaction};

/// A swap takes place only on what it was decided on, and only of a live session; what sticks merges.
pub async fn guards_of_a_swap<S: Store>(store: &Arc<S>) {
    let first = with_session(store).await;
    assert_eq!(stored(store, first.id).await, first);
    conflict(store, Change::StartSession(first.clone())).await;
    let wrong = [
        Session {
            generation: Generation(9),
            ..first.clone()
        },
        Session {
            key: KeyId(9),
            ..first.clone()
        },
        Session {
            secret: SecretHash([9; 32]),
            ..first.clone()
        },
        Session {
            rotated_at: at(9),
            ..first.clone()
        },
        Session {
            authenticated_at: at(9),
            ..first.clone()
        },
    ];
    for seen in &wrong {
        conflict(store, rotation(seen)).await;
    }
    let good = Standing::new();
    for user in [
        Standing { version: 2, ..good },
        Standing {
            disabled: true,
            ..good
        },
        Standing {
            deleted: true,
            ..good
        },
        Standing {
            reauth_at: Some(at(1)),
            ..good
        },
    ] {
        let (seen, next) = (first.clone().into(), first.clone().into());
        conflict(store, Change::SwapSession { seen, next, user }).await;
    }
    ok(store, rotation(&first)).await;
    conflict(store, rotation(&first)).await;
    let second = stored(store, first.id).await;
    assert_eq!(second.generation, Generation(1));
    // What sticks merges: a writer who saw less takes nothing back.
    let flags = Flags {
        attempts_seen: true,
        evidence_seen: true,
        remember: true,
    };
    let told = Session {
        flags,
        forgiven: Some(Generation(5)),
        ..second.clone()
    };
    let swap = |next: Session| Change::SwapSession {
        seen: second.clone().into(),
        next: next.into(),
        user: good,
    };
    ok(store, swap(told)).await;
    ok(store, swap(second.clone())).await;
    let merged = stored(store, first.id).await;
    assert_eq!(
        (merged.flags, merged.forgiven),
        (flags, Some(Generation(5)))
    );
    let end = |at_generation| Change::EndSession {
        id: first.id,
        reason: EndReason::SignedOut,
        at: at(2000),
        at_generation,
    };
    conflict(store, end(Some(Generation(0)))).await;
    ok(store, end(Some(Generation(1)))).await;
    conflict(store, end(None)).await;
    conflict(store, rotation(&second)).await;
    conflict(
        store,
        Change::RenameSession {
            id: first.id,
            device_name: None,
        },
    )
    .await;
}

/// A swap writes all that a decision may change, and nothing else; it takes nothing back that another has merged.
pub async fn a_swap_writes_what_a_decision_may_change<S: Store>(store: &Arc<S>) {
    let first = with_session(store).await;
    let next = Session {
        generation: Generation(7),
        key: KeyId(3),
        previous_key: KeyId(2),
        secret: SecretHash([8; 32]),
        produced_by: ProducedBy::Adopted,
        predecessor_attempt: Some(AttemptHash([4; 8])),
        forgiven: Some(Generation(6)),
        rotated_at: at(3000),
        active_at: at(2500),
        authenticated_at: at(2600),
        idle: Limit::Never,
        absolute_end: None,
        version: 2,
        acr: Some("aal2".into()),
        ..first.clone()
    };
    // Whose it is, where it started and what it is called is not for a decision to say.
    let told = Session {
        client: "other".into(),
        started_at: at(1),
        device_name: None,
        user_agent: None,
        ip: None,
        ..next.clone()
    };
    let swap = |seen: &Session, next: &Session| Change::SwapSession {
        seen: seen.clone().into(),
        next: next.clone().into(),
        user: Standing::new(),
    };
    ok(store, swap(&first, &told)).await;
    assert_eq!(stored(store, first.id).await, next);
    let back = Session {
        produced_by: ProducedBy::Attempt(AttemptHash([5; 8])),
        predecessor_attempt: None,
        forgiven: None,
        active_at: at(2400),
        idle: Limit::After(Duration::from_millis(1)),
        absolute_end: Some(at(9000)),
        acr: None,
        ..next.clone()
    };
    ok(store, swap(&next, &back)).await;
    let merged = Session {
        forgiven: next.forgiven,
        active_at: next.active_at,
        ..back
    };
    assert_eq!(stored(store, first.id).await, merged);
}

/// What has ended stays as it ended: no activity, no name, no other end.
pub async fn what_has_ended_does_not_change<S: Store>(store: &Arc<S>) {
    let session = with_session(store).await;
    let end = |reason, second| Change::EndSession {
        id: session.id,
        reason,
        at: at(second),
        at_generation: None,
    };
    ok(store, end(EndReason::ReuseDetected, 2000)).await;
    let ended = stored(store, session.id).await;
    let life = Life::Ended {
        reason: EndReason::ReuseDetected,
        at: at(2000),
    };
    assert_eq!(
        ended,
        Session {
            life,
            ..session.clone()
        }
    );
    let seen = Change::SeenActive {
        id: session.id,
        at: at(3000),
    };
    ok(store, seen).await;
    conflict(store, end(EndReason::SignedOut, 3000)).await;
    let renamed = Change::RenameSession {
        id: session.id,
        device_name: None,
    };
    conflict(store, renamed).await;
    conflict(store, Change::StartSession(session.clone())).await;
    assert_eq!(stored(store, session.id).await, ended);
}

/// A transaction one of whose guards does not hold leaves nothing behind.
pub async fn all_or_nothing<S: Store>(store: &Arc<S>) {
    let session = with_session(store).await;
    let many = Transaction::of(rotation(&session))
        .and(Change::AppendFeed(entry(FeedKind::SessionEnded, 1)))
        .and(Change::SetFact {
            name: "f",
            value: "v".to_owned(),
        })
        .and(Change::CheckUser {
            user: session.user,
            revision: 7,
        });
    let outcome = store.commit(many).await;
    assert!(
        matches!(outcome, Err(NotCommitted::Conflict(3))),
        "{outcome:?}"
    );
    assert_eq!(stored(store, session.id).await, session);
    assert_eq!(store.feed_head().await.expect("head").seq, 0);
    assert_eq!(store.fact("f").await.expect("fact"), None);
}

/// Activity only grows, in a swap too, and is nobody's where there is no session.
pub async fn activity_merges<S: Store>(store: &Arc<S>) {
    let session = with_session(store).await;
    for (seen, expected) in [(5000, 5000), (4000, 5000), (6000, 6000)] {
        ok(
            store,
            Change::SeenActive {
                id: session.id,
                at: at(seen),
            },
        )
        .await;
        assert_eq!(stored(store, session.id).await.active_at, at(expected));
    }
    ok(
        store,
        Change::SeenActive {
            id: SessionId([9; 16]),
            at: at(1),
        },
    )
    .await;
    ok(store, rotation(&session)).await;
    assert_eq!(stored(store, session.id).await.active_at, at(6000));
}

/// Of many swaps of one generation at once, one is committed.
pub async fn one_swap_wins<S: Store>(store: &Arc<S>) {
    let session = with_session(store).await;
    let won = at_once(store, 50, |_| Transaction::of(rotation(&session))).await;
    assert_eq!(won.len(), 1);
}

/// An end without a generation and a swap at once: whoever comes first, the session is ended and stays so.
pub async fn an_end_is_final<S: Store>(store: &Arc<S>) {
    ok(store, Change::InsertUser(user(1))).await;
    for n in 0..20 {
        let session = session(n, 1);
        ok(store, Change::StartSession(session.clone())).await;
        let won = at_once(store, 2, |which| {
            Transaction::of(match (u16::from(which) + n) % 2 {
                0 => rotation(&session),
                _ => Change::EndSession {
                    id: session.id,
                    reason: EndReason::SignedOut,
                    at: at(9000),
                    at_generation: None,
                },
            })
        })
        .await;
        let ended = stored(store, session.id).await;
        assert!(matches!(ended.life, Life::Ended { .. }), "{ended:?}");
        assert_eq!(won.len() as u64, 1 + ended.generation.0);
        conflict(store, rotation(&ended)).await;
    }
}
