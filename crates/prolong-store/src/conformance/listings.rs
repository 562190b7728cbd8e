//! Listings, pages, filters, counts.

use std::sync::Arc;

use prolong_core::{EndReason, Session, Standing};

use super::{at, ok, session, user, with_session};
use crate::{AuditFilter, Change, NewAuditLine, Page, SessionFilter, Store, User, UserFilter};

/// Listings go on where the page before ended, and leave out who was deleted.
pub async fn tombstones_and_pages<S: Store>(store: &Arc<S>) {
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

/// Each filter of a listing, alone and with another.
#[expect(clippy::too_many_lines, reason = "one line per filter")]
pub async fn filters<S: Store>(store: &Arc<S>) {
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

/// Facts are replaced, audit lines are forgotten by age, and rows are counted.
pub async fn facts_and_counts<S: Store>(store: &Arc<S>) {
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
    let lines = async || store.counts().await.expect("counts").audit_lines;
    ok(store, Change::ForgetAuditBefore(at(7), 1)).await;
    assert_eq!(lines().await, 1, "no more at once than was asked for");
    ok(store, Change::ForgetAuditBefore(at(6), 10)).await;
    assert_eq!(lines().await, 1, "a line of that very time stays");
    let counts = store.counts().await.expect("counts");
    assert_eq!(
        (counts.users, counts.sessions, counts.sessions_not_ended),
        (1, 1, 1)
    );
    assert_eq!(counts.audit_lines, 1);
}
