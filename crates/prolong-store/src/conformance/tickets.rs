//! Tickets.

use std::sync::Arc;

use super::{at, at_once, conflict, ok, user};
use crate::{Change, NotCommitted, Store, Ticket, Transaction};

/// A ticket is put once and taken once, whoever tries at once.
pub async fn a_ticket_is_taken_once<S: Store>(store: &Arc<S>) {
    let ticket = Ticket {
        hash: [3; 32],
        client: "web".to_owned(),
        sign_in: "{}".to_owned(),
        expires_at: at(60),
    };
    let stored = async || store.ticket([3; 32]).await.expect("a read");
    assert_eq!(stored().await, None);
    ok(store, Change::PutTicket(ticket.clone())).await;
    assert_eq!(stored().await, Some(ticket.clone()));
    assert_eq!(store.ticket([4; 32]).await.expect("a read"), None);
    conflict(store, Change::PutTicket(ticket)).await;
    let take = || Transaction::of(Change::TakeTicket { hash: [3; 32] });
    // What it was taken for did not come about: then it was not taken either.
    let nobody = Change::CheckUser {
        user: user(9).key,
        revision: 0,
    };
    let outcome = store.commit(take().and(nobody)).await;
    assert!(
        matches!(outcome, Err(NotCommitted::Conflict(1))),
        "{outcome:?}"
    );
    assert!(stored().await.is_some());
    assert_eq!(at_once(store, 20, |_| take()).await.len(), 1);
    assert_eq!(stored().await, None);
}
