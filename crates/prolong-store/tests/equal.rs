//! Random transactions give the same answers and the same reads in memory and in SQLite.
#![cfg(feature = "conformance")]
#![expect(clippy::unwrap_used, reason = "helpers of tests: a failure is a panic")]

use prolong_core::{
    AttemptHash, EndReason, FeedEntry, FeedKind, Generation, KeyId, ProducedBy, SecretHash,
    Session, SessionId, Standing, Timestamp,
};
use prolong_store::conformance::{session, user};
use prolong_store::{
    AuditFilter, Change, KeyState, MemoryStore, NewAuditLine, Page, SealedKey, SessionFilter,
    SqliteOptions, SqliteStore, Store, Ticket, Transaction, User, UserFilter,
};
use proptest::collection::vec;
use proptest::prelude::*;

/// A kind of change and three small numbers that choose its rows and values.
type Op = (u8, u8, u8, u8);

const KINDS: u8 = 20;

/// The change that an operation stands for, given what is stored: often one whose guard holds.
async fn change(store: &MemoryStore, (kind, a, b, c): Op) -> Change {
    let (who, which) = (1 + a % 3, session(u16::from(b % 3), 1 + a % 3));
    let key = user(who).key;
    let stored = store.user(key).await.unwrap();
    let time = Timestamp::from_secs(i64::from(c) * 900);
    match kind {
        0 => Change::InsertUser(user(who)),
        1 => Change::ReplaceUser(User {
            login: (c % 4 > 0).then(|| format!("login-{:03}", c % 4)),
            standing: Standing {
                version: u64::from(b % 2) + 1,
                disabled: c.is_multiple_of(7),
                deleted: c.is_multiple_of(11),
                reauth_at: c.is_multiple_of(5).then_some(time),
                last_sign_in: None,
            },
            ..stored.unwrap_or_else(|| user(who))
        }),
        2 => Change::CheckUser {
            user: key,
            revision: u64::from(b % 2),
        },
        3 if c.is_multiple_of(4) => Change::RemoveUser(key),
        3 | 4 => Change::StartSession(which),
        5..=8 => swap(store, which, b, c).await,
        9 => Change::EndSession {
            id: which.id,
            reason: EndReason::SignedOut,
            at: time,
            at_generation: c.is_multiple_of(2).then(|| Generation(u64::from(c % 3))),
        },
        10 => Change::SeenActive {
            id: which.id,
            at: time,
        },
        11 => Change::RenameSession {
            id: which.id,
            device_name: c.is_multiple_of(2).then(|| "tablet".into()),
        },
        12 => Change::RemoveSessions(vec![which.id, SessionId([c; 16])]),
        13 if c.is_multiple_of(3) => Change::RemoveSigningKey(b.to_string()),
        13 => Change::PutSigningKey(signing_key(b, c)),
        14 => Change::AppendFeed(FeedEntry {
            kind: [FeedKind::SessionEnded, FeedKind::TokenGeneration][usize::from(c % 2)],
            key: [b % 2; 8],
            arg: u64::from(c),
            until: i64::from(c),
        }),
        15 if c.is_multiple_of(3) => Change::NewFeedEpoch([c; 16]),
        15 => Change::ForgetFeedBefore(i64::from(c)),
        16 if c.is_multiple_of(3) => Change::ForgetAuditBefore(time, usize::from(b % 3)),
        16 | 17 => Change::AppendAudit(NewAuditLine {
            at: time,
            what: ["session.ended", "user.disabled"][usize::from(b % 2)],
            actor: "operator".to_owned(),
            user: c.is_multiple_of(2).then_some(key),
            session: c.is_multiple_of(3).then_some(which.id),
            detail: "{}".to_owned(),
        }),
        18 if c.is_multiple_of(3) => Change::TakeTicket { hash: [b % 2; 32] },
        18 if c % 3 == 1 => Change::ForgetTicketsBefore(time),
        18 => Change::PutTicket(Ticket {
            hash: [b % 2; 32],
            client: "web".to_owned(),
            sign_in: "{}".to_owned(),
            expires_at: time,
        }),
        _ => Change::SetFact {
            name: ["clock", "exp"][usize::from(b % 2)],
            value: c.to_string(),
        },
    }
}

/// Most often on what is stored, sometimes with one wrong column.
async fn swap(store: &MemoryStore, which: Session, b: u8, c: u8) -> Change {
    let found = store.session(which.id).await.unwrap();
    let (mut seen, standing) = match found {
        Some(found) => (found.session, found.user.standing),
        None => (which, Standing::new()),
    };
    let mut next = Session {
        generation: seen.generation.next(),
        rotated_at: Timestamp::from_secs(i64::from(c) * 77),
        active_at: Timestamp::from_secs(i64::from(b) * 99),
        acr: c.is_multiple_of(2).then(|| "aal2".into()),
        previous_key: seen.key,
        key: KeyId(c % 3),
        secret: SecretHash([c; 32]),
        forgiven: c.is_multiple_of(3).then(|| Generation(u64::from(b))),
        ..seen.clone()
    };
    next.flags.attempts_seen = b.is_multiple_of(2);
    next.produced_by = match c % 3 {
        0 => ProducedBy::Unnamed,
        1 => ProducedBy::Adopted,
        _ => ProducedBy::Attempt(AttemptHash([c; 8])),
    };
    match b % 16 {
        0 => seen.generation = Generation(77),
        1 => seen.key = KeyId(77),
        2 => seen.secret = SecretHash([77; 32]),
        3 => seen.rotated_at = Timestamp::from_secs(77),
        4 => seen.authenticated_at = Timestamp::from_secs(77),
        _ => {}
    }
    Change::SwapSession {
        seen: seen.into(),
        next: next.into(),
        user: standing,
    }
}

fn signing_key(b: u8, c: u8) -> SealedKey {
    SealedKey {
        kid: b.to_string(),
        algorithm: "ES256".to_owned(),
        state: KeyState::from_number(c % 4 + 1).unwrap(),
        public_jwk: "{}".to_owned(),
        sealed: vec![c; 3],
        created_at: Timestamp::from_secs(i64::from(c % 3)),
        state_since: Timestamp::from_secs(i64::from(c)),
    }
}

/// Everything that can be read, as text.
async fn reads(store: &dyn Store) -> Vec<String> {
    let mut seen = Vec::new();
    let mut note = |what: &dyn core::fmt::Debug| seen.push(format!("{what:?}"));
    let pages = [None, Some("sub-001".to_owned())].map(|after| Page { after, limit: 2 });
    let all = Page {
        after: None,
        limit: 100,
    };
    for n in 1..=3 {
        let key = user(n).key;
        let found = store.user(key).await.unwrap();
        note(&found.map(|user| (user.password_hash.clone(), user.claims.clone(), user)));
        note(&store.user_by_login(&format!("login-{n:03}")).await.unwrap());
        note(&store.sessions_of(key).await.unwrap());
        for at in 0..3 {
            let id = session(at, n).id;
            note(&store.session(id).await.unwrap());
            let page = Page {
                after: Some(id.to_string()),
                limit: 2,
            };
            for not_ended in [false, true] {
                let filter = SessionFilter {
                    user: (at == 1).then_some(key),
                    client: (at == 2).then(|| "web".to_owned()),
                    not_ended,
                };
                note(&store.sessions(&filter, &page).await.unwrap());
                note(&store.sessions(&filter, &all).await.unwrap());
            }
            let filter = AuditFilter {
                user: (at == 0).then_some(key),
                session: (at == 1).then_some(id),
                since: (n == 2).then(|| Timestamp::from_secs(9000)),
                what: (n == 3).then(|| "session.ended".to_owned()),
            };
            note(&store.audit(&filter, &all).await.unwrap());
        }
    }
    for page in pages {
        for (prefix, deleted) in [(None, true), (Some("login"), false), (Some("sub-00"), true)] {
            let prefix = prefix.map(str::to_owned);
            note(
                &store
                    .users(&UserFilter { prefix, deleted }, &page)
                    .await
                    .unwrap(),
            );
        }
    }
    for second in [0, 3000, 100_000, 2_000_000] {
        let before = Timestamp::from_secs(second);
        note(&store.removable_sessions(before, 5).await.unwrap());
        note(&store.removable_users(before, 5).await.unwrap());
    }
    for key in 0..4 {
        note(&store.key_in_use(KeyId(key)).await.unwrap());
    }
    for hash in 0..2 {
        note(&store.ticket([hash; 32]).await.unwrap());
    }
    note(&store.signing_keys().await.unwrap());
    note(&store.feed_head().await.unwrap());
    note(&store.feed_after(0, 100).await.unwrap());
    note(&store.feed_after(2, 1).await.unwrap());
    note(&(
        store.fact("clock").await.unwrap(),
        store.fact("exp").await.unwrap(),
    ));
    note(&store.counts().await.unwrap());
    seen
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn memory_and_sqlite_are_the_same(
        start in vec((0..1_u8, any::<u8>(), any::<u8>(), any::<u8>()), 3),
        rest in vec(vec((0..KINDS, any::<u8>(), any::<u8>(), any::<u8>()), 1..4), 1..40),
    ) {
        let runtime = tokio::runtime::Runtime::new().unwrap();
        runtime.block_on(async {
            let dir = tempfile::tempdir().unwrap();
            let memory = MemoryStore::new([1; 16]);
            let sqlite = SqliteStore::open(dir.path(), SqliteOptions::new([1; 16])).unwrap();
            for ops in start.into_iter().map(|op| vec![op]).chain(rest) {
                let mut transaction = Transaction::default();
                for op in ops {
                    transaction.changes.push(change(&memory, op).await);
                }
                let one = memory.commit(transaction.clone()).await;
                let other = sqlite.commit(transaction.clone()).await;
                assert_eq!(format!("{one:?}"), format!("{other:?}"), "{transaction:?}");
            }
            assert_eq!(reads(&memory).await, reads(&sqlite).await);
        });
    }
}
