//! What every store must do: call [`run`] with a way to make empty stores.

#![expect(
    clippy::expect_used,
    clippy::panic,
    reason = "a suite of tests: a failure is a panic"
)]

use std::sync::Arc;
use std::time::Duration;

use prolong_core::{
    EndReason, FeedEntry, FeedKind, Flags, Generation, KeyId, Life, Limit, ProducedBy, SecretHash,
    Session, SessionId, Standing, Timestamp, UserKey,
};

use crate::{
    AuditFilter, Change, Committed, FeedCursor, KeyState, NewAuditLine, NotCommitted, Page,
    SealedKey, SessionFilter, Store, Ticket, Transaction, User, UserFilter,
};

/// Runs every property, each on a store of its own.
///
/// # Panics
/// With the property that does not hold.
pub async fn run<S: Store>(make: impl Fn() -> S) {
    guards_of_a_swap(&make()).await;
    all_or_nothing(&make()).await;
    users(&make()).await;
    activity_merges(&make()).await;
    tombstones_and_pages(&make()).await;
    facts_and_counts(&make()).await;
    sweep(&make()).await;
    filters(&make()).await;
    signing_keys_and_forgetting(&make()).await;
    one_swap_wins(Arc::new(make())).await;
    turns_never_conflict(Arc::new(make())).await;
    a_turn_is_guarded_too(&make()).await;
    an_end_is_final(Arc::new(make())).await;
    feed_has_no_holes(Arc::new(make())).await;
    a_ticket_is_taken_once(Arc::new(make())).await;
}

/// A time in seconds.
const fn at(secs: i64) -> Timestamp {
    Timestamp::from_secs(secs)
}

/// A user to test with.
#[must_use]
pub fn user(n: u8) -> User {
    User {
        key: UserKey([n; 16]),
        sub: format!("sub-{n:03}"),
        login: Some(format!("login-{n:03}")),
        password_hash: Some("$argon2id$".to_owned()),
        claims: "{}".to_owned(),
        standing: Standing::new(),
        created_at: at(1),
        deleted_at: None,
        revision: 0,
    }
}

/// A session to test with, of that user, started at second 1,000 + `n`.
#[must_use]
pub fn session(n: u16, of: u8) -> Session {
    let mut id = [of; 16];
    id[14..].copy_from_slice(&n.to_be_bytes());
    let started = at(1000 + i64::from(n));
    Session {
        id: SessionId(id),
        user: UserKey([of; 16]),
        client: "web".into(),
        life: Life::Live,
        flags: Flags::default(),
        generation: Generation(0),
        key: KeyId(1),
        previous_key: KeyId(1),
        secret: SecretHash([7; 32]),
        produced_by: ProducedBy::Unnamed,
        predecessor_attempt: None,
        forgiven: None,
        rotated_at: started,
        active_at: started,
        started_at: started,
        authenticated_at: started,
        idle: Limit::After(Duration::from_hours(1)),
        absolute_end: Some(at(1_000_000)),
        version: 1,
        scope: None,
        acr: None,
        device_name: Some("maryo's iPad".into()),
        user_agent: Some("Firefox on Linux".into()),
        ip: Some("192.0.2.0/24".into()),
    }
}

/// The swap that rotates `seen` once.
#[must_use]
pub fn rotation(seen: &Session) -> Change {
    let next = Session {
        generation: seen.generation.next(),
        rotated_at: seen.rotated_at.plus(Duration::from_mins(1)),
        ..seen.clone()
    };
    Change::SwapSession {
        seen: seen.clone().into(),
        next: next.into(),
        user: Standing::new(),
    }
}

async fn ok<S: Store>(store: &S, change: Change) -> Committed {
    store
        .commit(Transaction::of(change))
        .await
        .expect("the guard holds")
}

async fn conflict<S: Store>(store: &S, change: Change) {
    let outcome = store.commit(Transaction::of(change)).await;
    assert!(
        matches!(outcome, Err(NotCommitted::Conflict(0))),
        "{outcome:?}"
    );
}

async fn stored<S: Store>(store: &S, id: SessionId) -> Session {
    store
        .session(id)
        .await
        .expect("a read")
        .expect("a session")
        .session
}

async fn with_session<S: Store>(store: &S) -> Session {
    let session = session(1, 1);
    ok(store, Change::InsertUser(user(1))).await;
    ok(store, Change::StartSession(session.clone())).await;
    session
}

async fn guards_of_a_swap<S: Store>(store: &S) {
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

async fn all_or_nothing<S: Store>(store: &S) {
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

async fn users<S: Store>(store: &S) {
    ok(store, Change::InsertUser(user(1))).await;
    ok(store, Change::InsertUser(user(2))).await;
    conflict(store, Change::InsertUser(user(1))).await;
    conflict(
        store,
        Change::InsertUser(User {
            login: user(1).login,
            ..user(3)
        }),
    )
    .await;
    conflict(
        store,
        Change::ReplaceUser(User {
            login: user(1).login,
            ..user(2)
        }),
    )
    .await;
    conflict(
        store,
        Change::ReplaceUser(User {
            revision: 3,
            ..user(2)
        }),
    )
    .await;
    ok(
        store,
        Change::ReplaceUser(User {
            login: Some("renamed".to_owned()),
            ..user(1)
        }),
    )
    .await;
    ok(
        store,
        Change::CheckUser {
            user: user(1).key,
            revision: 1,
        },
    )
    .await;
    conflict(
        store,
        Change::CheckUser {
            user: user(1).key,
            revision: 0,
        },
    )
    .await;
    let renamed = store
        .user_by_login("renamed")
        .await
        .expect("a read")
        .expect("a user");
    assert_eq!((renamed.key, renamed.revision), (user(1).key, 1));
    assert_eq!(
        store.user_by_login("login-001").await.expect("a read"),
        None
    );
    ok(
        store,
        Change::InsertUser(User {
            login: user(1).login,
            ..user(3)
        }),
    )
    .await;
    let removable = async |before| store.removable_users(before, 9).await.expect("a read");
    assert!(
        removable(at(1_000_000)).await.is_empty(),
        "nobody was deleted"
    );
    let tombstone = User {
        login: None,
        deleted_at: Some(at(7)),
        ..user(3)
    };
    ok(store, Change::ReplaceUser(tombstone)).await;
    assert!(removable(at(7)).await.is_empty());
    assert_eq!(removable(at(8)).await, [user(3).key]);
    ok(store, Change::RemoveUser(user(3).key)).await;
    assert!(removable(at(8)).await.is_empty());
    assert_eq!(store.user(user(3).key).await.expect("a read"), None);
}

async fn activity_merges<S: Store>(store: &S) {
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

async fn tombstones_and_pages<S: Store>(store: &S) {
    for n in 1..=5 {
        ok(store, Change::InsertUser(user(n))).await;
        ok(store, Change::StartSession(session(n.into(), n))).await;
    }
    let standing = Standing {
        deleted: true,
        ..Standing::new()
    };
    let tombstone = User {
        standing,
        deleted_at: Some(at(9)),
        login: None,
        ..user(2)
    };
    ok(store, Change::ReplaceUser(tombstone)).await;
    let mut page = Page {
        after: None,
        limit: 2,
    };
    let mut seen = Vec::new();
    loop {
        let users = store
            .users(&UserFilter::default(), &page)
            .await
            .expect("a page");
        let Some(last) = users.last() else { break };
        page.after = Some(last.sub.clone());
        seen.extend(users.into_iter().map(|user| user.sub));
    }
    assert_eq!(seen, ["sub-001", "sub-003", "sub-004", "sub-005"]);
    let mut page = Page {
        after: None,
        limit: 2,
    };
    let mut seen = Vec::new();
    loop {
        let found = store
            .sessions(&SessionFilter::default(), &page)
            .await
            .expect("a page");
        let Some(last) = found.last() else { break };
        page.after = Some(last.session.id.to_string());
        seen.extend(found.into_iter().map(|found| found.session.user.0[0]));
    }
    assert_eq!(seen, [5, 4, 3, 2, 1]);
}

async fn facts_and_counts<S: Store>(store: &S) {
    with_session(store).await;
    for value in ["1", "2"] {
        ok(
            store,
            Change::SetFact {
                name: "clock",
                value: value.to_owned(),
            },
        )
        .await;
        assert_eq!(
            store.fact("clock").await.expect("a read").as_deref(),
            Some(value)
        );
    }
    let line = NewAuditLine {
        at: at(5),
        what: "session.ended",
        actor: "user".to_owned(),
        user: Some(user(1).key),
        session: None,
        detail: "{}".to_owned(),
    };
    ok(store, Change::AppendAudit(line.clone())).await;
    ok(
        store,
        Change::AppendAudit(NewAuditLine { at: at(6), ..line }),
    )
    .await;
    ok(store, Change::ForgetAuditBefore(at(6), 10)).await;
    let counts = store.counts().await.expect("counts");
    assert_eq!(
        (counts.users, counts.sessions, counts.sessions_not_ended),
        (1, 1, 1)
    );
    assert_eq!(counts.audit_lines, 1);
}

async fn sweep<S: Store>(store: &S) {
    let session = with_session(store).await;
    let idle_end = at(1001 + 3600);
    let owner = store
        .session(session.id)
        .await
        .expect("a read")
        .expect("a session")
        .user;
    let tombstone = User {
        deleted_at: Some(at(1)),
        ..owner.clone()
    };
    ok(store, Change::ReplaceUser(tombstone)).await;
    let users = async || store.removable_users(at(2), 9).await.expect("a read");
    assert!(users().await.is_empty(), "their session is still there");
    let removable = async |before| store.removable_sessions(before, 9).await.expect("a read");
    assert!(removable(idle_end).await.is_empty());
    assert_eq!(
        removable(idle_end.plus(Duration::from_millis(1))).await,
        [session.id]
    );
    assert!(store.key_in_use(KeyId(1)).await.expect("a read"));
    assert!(!store.key_in_use(KeyId(2)).await.expect("a read"));
    ok(store, Change::RemoveSessions(vec![session.id])).await;
    assert!(store.session(session.id).await.expect("a read").is_none());
    assert!(!store.key_in_use(KeyId(1)).await.expect("a read"));
}

/// Each turn sees what the one before has written: every one of them rotates, and nobody has to try again.
async fn turns_never_conflict<S: Store>(store: Arc<S>) {
    ok(&*store, Change::InsertUser(user(1))).await;
    ok(&*store, Change::StartSession(session(1, 1))).await;
    let id = session(1, 1).id;
    let turn = |store: Arc<S>| async move {
        let rotate = |found: Option<crate::Found>| {
            Transaction::of(rotation(&found.expect("it is there").session))
        };
        store.turn(id, Box::new(rotate)).await
    };
    let turns: Vec<_> = (0..64)
        .map(|_| tokio::spawn(turn(Arc::clone(&store))))
        .collect();
    for turn in turns {
        assert!(turn.await.expect("no panic").is_ok(), "a turn conflicted");
    }
    let found = store.session(id).await.expect("read").expect("there");
    assert_eq!(found.session.generation, Generation(64));
}

/// A turn can look without writing, finds nothing where there is nothing, and what it writes is guarded and all or nothing.
async fn a_turn_is_guarded_too<S: Store>(store: &S) {
    ok(store, Change::InsertUser(user(1))).await;
    ok(store, Change::StartSession(session(1, 1))).await;
    let (id, absent) = (session(1, 1).id, session(2, 1).id);
    let looks = |found: Option<crate::Found>| {
        assert!(found.is_none(), "there is no such session");
        Transaction::default()
    };
    assert!(store.turn(absent, Box::new(looks)).await.is_ok());
    let stale = |found: Option<crate::Found>| {
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

async fn one_swap_wins<S: Store>(store: Arc<S>) {
    let session = with_session(&*store).await;
    let won = at_once(&store, 50, |_| Transaction::of(rotation(&session))).await;
    assert_eq!(won.len(), 1);
}

/// An end without a generation and a swap at once: whoever comes first, the session is ended and stays so.
async fn an_end_is_final<S: Store>(store: Arc<S>) {
    ok(&*store, Change::InsertUser(user(1))).await;
    for n in 0..20 {
        let session = session(n, 1);
        ok(&*store, Change::StartSession(session.clone())).await;
        let won = at_once(&store, 2, |which| {
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
        let ended = stored(&*store, session.id).await;
        assert!(matches!(ended.life, Life::Ended { .. }), "{ended:?}");
        assert_eq!(won.len() as u64, 1 + ended.generation.0);
        conflict(&*store, rotation(&ended)).await;
    }
}

#[expect(clippy::too_many_lines, reason = "one line per filter")]
async fn filters<S: Store>(store: &S) {
    for n in 1..=2 {
        ok(store, Change::InsertUser(user(n))).await;
        ok(store, Change::StartSession(session(n.into(), n))).await;
    }
    let other = Session {
        client: "app".into(),
        ..session(7, 1)
    };
    ok(store, Change::StartSession(other.clone())).await;
    let end = Change::EndSession {
        id: other.id,
        reason: EndReason::SignedOut,
        at: at(2000),
        at_generation: None,
    };
    ok(store, end).await;
    let page = Page {
        after: None,
        limit: 10,
    };
    let sessions =
        async |filter: SessionFilter| store.sessions(&filter, &page).await.expect("a page").len();
    let all = SessionFilter::default();
    let (of_user, of_client) = (Some(user(1).key), Some("app".to_owned()));
    let user_filter = SessionFilter {
        user: of_user,
        ..all.clone()
    };
    assert_eq!(sessions(user_filter.clone()).await, 2);
    assert_eq!(
        sessions(SessionFilter {
            not_ended: true,
            ..user_filter
        })
        .await,
        1
    );
    assert_eq!(
        sessions(SessionFilter {
            client: of_client,
            ..all.clone()
        })
        .await,
        1
    );
    assert_eq!(
        sessions(SessionFilter {
            not_ended: true,
            ..all
        })
        .await,
        2
    );
    let users = async |prefix: &str| {
        let prefix = Some(prefix.to_owned());
        let filter = UserFilter {
            prefix,
            deleted: false,
        };
        store.users(&filter, &page).await.expect("a page").len()
    };
    assert_eq!(
        (
            users("sub-").await,
            users("login-002").await,
            users("%").await
        ),
        (2, 1, 0)
    );
    for (second, what, session) in [(1, "a", None), (2, "b", Some(other.id)), (3, "b", None)] {
        let line = NewAuditLine {
            at: at(second),
            what,
            actor: "user".to_owned(),
            user: session.map(|_| user(1).key),
            session,
            detail: "{}".to_owned(),
        };
        ok(store, Change::AppendAudit(line)).await;
    }
    let lines = async |filter: AuditFilter| {
        let found = store.audit(&filter, &page).await.expect("a page");
        found.iter().map(|line| line.at).collect::<Vec<_>>()
    };
    let all = AuditFilter::default();
    assert_eq!(lines(all.clone()).await, [at(3), at(2), at(1)]);
    assert_eq!(
        lines(AuditFilter {
            user: of_user,
            ..all.clone()
        })
        .await,
        [at(2)]
    );
    assert_eq!(
        lines(AuditFilter {
            session: Some(other.id),
            ..all.clone()
        })
        .await,
        [at(2)]
    );
    assert_eq!(
        lines(AuditFilter {
            since: Some(at(2)),
            ..all.clone()
        })
        .await,
        [at(3), at(2)]
    );
    assert_eq!(
        lines(AuditFilter {
            what: Some("a".to_owned()),
            ..all
        })
        .await,
        [at(1)]
    );
}

async fn signing_keys_and_forgetting<S: Store>(store: &S) {
    let key = |kid: &str, state, second| SealedKey {
        kid: kid.to_owned(),
        algorithm: "ES256".to_owned(),
        state,
        public_jwk: "{}".to_owned(),
        sealed: vec![1, 2],
        created_at: at(second),
        state_since: at(second),
    };
    let (old, new) = (
        key("b", KeyState::Active, 1),
        key("a", KeyState::Pending, 2),
    );
    for key in [&new, &old] {
        ok(store, Change::PutSigningKey(key.clone())).await;
    }
    assert_eq!(
        store.signing_keys().await.expect("keys"),
        [old.clone(), new.clone()]
    );
    let retiring = SealedKey {
        state: KeyState::Retiring,
        state_since: at(5),
        ..old
    };
    ok(store, Change::PutSigningKey(retiring.clone())).await;
    ok(store, Change::RemoveSigningKey(new.kid)).await;
    assert_eq!(store.signing_keys().await.expect("keys"), [retiring]);
    for until in [9, 10, 11] {
        let line = FeedEntry {
            until,
            ..entry(FeedKind::SessionEnded, 1)
        };
        ok(store, Change::AppendFeed(line)).await;
    }
    let head = store.feed_head().await.expect("head");
    ok(store, Change::ForgetFeedBefore(10)).await;
    let rest = store.feed_after(0, 9).await.expect("lines");
    assert_eq!(rest.iter().map(|line| line.seq).collect::<Vec<_>>(), [2, 3]);
    assert_eq!(store.feed_head().await.expect("head"), head);
    for (hash, second) in [(1, 59), (2, 60)] {
        let ticket = Ticket {
            hash: [hash; 32],
            client: "web".to_owned(),
            sign_in: "{}".to_owned(),
            expires_at: at(second),
        };
        ok(store, Change::PutTicket(ticket)).await;
    }
    ok(store, Change::ForgetTicketsBefore(at(60))).await;
    conflict(store, Change::TakeTicket { hash: [1; 32] }).await;
    ok(store, Change::TakeTicket { hash: [2; 32] }).await;
}

async fn feed_has_no_holes<S: Store>(store: Arc<S>) {
    let start = store.feed_head().await.expect("head");
    let kind = FeedKind::SessionEnded;
    let appended = at_once(&store, 50, |n| {
        Transaction::of(Change::AppendFeed(entry(kind, n)))
    })
    .await;
    assert_eq!(appended.len(), 50);
    let lines = store.feed_after(0, 100).await.expect("lines");
    let mut cursor: FeedCursor = start;
    for line in &lines {
        cursor = cursor.after(&line.entry);
        assert_eq!((line.seq, line.chain), (cursor.seq, cursor.chain));
    }
    assert_eq!(
        (lines.len(), store.feed_head().await.expect("head")),
        (50, cursor)
    );
    for _ in 0..3 {
        ok(
            &*store,
            Change::AppendFeed(entry(FeedKind::TokenGeneration, 1)),
        )
        .await;
    }
    let rest = store.feed_after(50, 100).await.expect("lines");
    assert_eq!(rest.iter().map(|line| line.seq).collect::<Vec<_>>(), [53]);
}

async fn a_ticket_is_taken_once<S: Store>(store: Arc<S>) {
    let ticket = Ticket {
        hash: [3; 32],
        client: "web".to_owned(),
        sign_in: "{}".to_owned(),
        expires_at: at(60),
    };
    ok(&*store, Change::PutTicket(ticket.clone())).await;
    conflict(&*store, Change::PutTicket(ticket.clone())).await;
    let take = |_| Transaction::of(Change::TakeTicket { hash: [3; 32] });
    let taken = at_once(&store, 20, take).await;
    assert_eq!(taken.len(), 1);
    assert_eq!(taken[0].ticket.as_ref(), Some(&ticket));
}

fn entry(kind: FeedKind, n: u8) -> FeedEntry {
    FeedEntry {
        kind,
        key: [n; 8],
        arg: 1,
        until: 100,
    }
}

/// Commits so many transactions from tasks of their own; gives those that were committed.
async fn at_once<S: Store>(
    store: &Arc<S>,
    many: u8,
    transaction: impl Fn(u8) -> Transaction,
) -> Vec<Committed> {
    let tasks: Vec<_> = (0..many)
        .map(|n| {
            let (store, transaction) = (store.clone(), transaction(n));
            tokio::spawn(async move { store.commit(transaction).await })
        })
        .collect();
    let mut committed = Vec::new();
    for task in tasks {
        match task.await.expect("a task") {
            Ok(one) => committed.push(one),
            Err(NotCommitted::Conflict(_)) => {}
            Err(NotCommitted::Failed(error)) => panic!("{error}"),
        }
    }
    committed
}
