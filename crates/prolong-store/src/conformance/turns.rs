//! Turns: read and write with nothing in between.

use std::sync::Arc;

use prolong_core::{EndReason, Generation, Life};

use super::{at, ok, rotation, session, user};
use crate::{Change, Found, NotCommitted, Store, Transaction, User};

/// Each turn sees what the one before has written: every one of them rotates, and nobody has to try again.
pub async fn turns_never_conflict<S: Store>(store: &Arc<S>) {
    ok(store, Change::InsertUser(user(1))).await;
    ok(store, Change::StartSession(session(1, 1))).await;
    let id = session(1, 1).id;
    let turn = |store: Arc<S>| async move {
        let rotate =
            |found: Option<Found>| Transaction::of(rotation(&found.expect("it is there").session));
        store.turn(id, Box::new(rotate)).await
    };
    let turns: Vec<_> = (0..64)
        .map(|_| tokio::spawn(turn(Arc::clone(store))))
        .collect();
    for turn in turns {
        assert!(turn.await.expect("no panic").is_ok(), "a turn conflicted");
    }
    let found = store.session(id).await.expect("read").expect("there");
    assert_eq!(found.session.generation, Generation(64));
}

/// A turn sees its user as they are, whatever earlier turns saw: changed, changed back in vain, removed, come again.
pub async fn a_turn_sees_the_user_of_now<S: Store>(store: &Arc<S>) {
    ok(store, Change::InsertUser(user(1))).await;
    ok(store, Change::StartSession(session(1, 1))).await;
    let id = session(1, 1).id;
    let seen = async || {
        let (tell, told) = tokio::sync::oneshot::channel();
        let look = move |found: Option<Found>| {
            drop(tell.send(found.map(|found| found.user)));
            Transaction::default()
        };
        assert!(store.turn(id, Box::new(look)).await.is_ok());
        told.await.expect("asked")
    };
    assert_eq!(seen().await.expect("there").revision, 0);
    let mut disabled = user(1);
    disabled.standing.disabled = true;
    ok(store, Change::ReplaceUser(disabled.clone())).await;
    let now = seen().await.expect("there");
    assert!(now.standing.disabled && now.revision == 1);

    let enabled = Transaction::of(Change::ReplaceUser(User {
        revision: 1,
        ..user(1)
    }));
    let taken_back = enabled.and(Change::CheckUser {
        user: now.key,
        revision: 77,
    });
    assert!(store.commit(taken_back).await.is_err());
    assert_eq!(seen().await.expect("there"), now);

    ok(store, Change::RemoveUser(now.key)).await;
    assert!(seen().await.is_none());
    ok(store, Change::InsertUser(user(1))).await;
    assert_eq!(seen().await.expect("there").revision, 0);
}

/// What a turn writes depends on the session and the user that it was decided on, as any swap does.
pub async fn a_turn_swaps_for_the_user_it_saw<S: Store>(store: &Arc<S>) {
    ok(store, Change::InsertUser(user(1))).await;
    ok(store, Change::StartSession(session(1, 1))).await;
    let id = session(1, 1).id;
    let for_another = |found: Option<Found>| {
        let mut swap = rotation(&found.expect("it is there").session);
        if let Change::SwapSession { user, .. } = &mut swap {
            user.version += 1;
        }
        Transaction::of(swap)
    };
    let outcome = store.turn(id, Box::new(for_another)).await;
    assert!(matches!(outcome, Err(NotCommitted::Conflict(0))));
    let rotate = |_| Transaction::of(rotation(&session(1, 1)));
    assert!(store.turn(id, Box::new(rotate)).await.is_ok());
    let outcome = store.turn(id, Box::new(rotate)).await;
    assert!(matches!(outcome, Err(NotCommitted::Conflict(0))), "twice");
    let found = store.session(id).await.expect("read").expect("there");
    assert_eq!(found.session.generation, Generation(1));
}

/// A turn can look without writing, finds nothing where there is nothing, and what it writes is guarded and all or nothing.
pub async fn a_turn_is_guarded_too<S: Store>(store: &Arc<S>) {
    ok(store, Change::InsertUser(user(1))).await;
    ok(store, Change::StartSession(session(1, 1))).await;
    let (id, absent) = (session(1, 1).id, session(2, 1).id);
    let looks = |found: Option<Found>| {
        assert!(found.is_none(), "there is no such session");
        Transaction::default()
    };
    assert!(store.turn(absent, Box::new(looks)).await.is_ok());
    let stale = |found: Option<Found>| {
        let seen = found.expect("it is there").session;
        let end = Change::EndSession {
            id: seen.id,
            reason: EndReason::SignedOut,
            at: at(5000),
            at_generation: None,
        };
        Transaction::of(end).and(rotation(&seen))
    };
    let outcome = store.turn(id, Box::new(stale)).await;
    assert!(matches!(outcome, Err(NotCommitted::Conflict(1))));
    let found = store.session(id).await.expect("read").expect("there");
    assert_eq!(found.session.life, Life::Live, "half a turn was written");
    assert_eq!(found.session.generation, Generation(0));
}
