//! Tickets.

use std::sync::Arc;

use super::{at, at_once, conflict, ok};
use crate::{Change, Store, Ticket, Transaction};

/// A ticket is put once and taken once, whoever tries at once.
pub async fn a_ticket_is_taken_once<S: Store>(store: &Arc<S>) {
    let ticket = Ticket {
        hash: [3; 32],
        client: "web".to_owned(),
        sign_in: "{}".to_owned(),
        expires_at: at(60),
    };
    ok(store, Change::PutTicket(ticket.clone())).await;
    conflict(store, Change::PutTicket(ticket.clone())).await;
    let take = |_| Transaction::of(Change::TakeTicket { hash: [3; 32] });
    let taken = at_once(store, 20, take).await;
    assert_eq!(taken.len(), 1);
    assert_eq!(taken[0].ticket.as_ref(), Some(&ticket));
}
