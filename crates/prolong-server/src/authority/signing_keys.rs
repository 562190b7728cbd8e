//! What an administrator does to signing keys.

use std::sync::Arc;

use prolong_protocol::problem::Code;
use prolong_store::{Change, NewAuditLine, NotCommitted};
use serde_json::{Value, json};

use super::Authority;
use crate::http::problem::Failure;
use crate::keys::RingFault;

impl Authority {
    /// Makes another key sign; the old one goes on verifying. Gives the new key's id.
    ///
    /// # Errors
    /// `UNAVAILABLE`; nothing has changed then.
    pub(crate) async fn rotate_signing_key(
        self: &Arc<Self>,
        actor: &str,
    ) -> Result<String, Failure> {
        let now = self.decisive_now()?;
        let (authority, actor) = (Arc::clone(self), actor.to_owned());
        to_the_end(async move {
            let note =
                |kid: &str| vec![authority.key_line("key.rotated", &actor, &json!({ "kid": kid }))];
            let ring = &authority.signing;
            let (kid, _) = ring
                .rotate(&*authority.store, now, &*authority.entropy, note)
                .await
                .map_err(failure)?;
            Ok(kid)
        })
        .await
    }

    /// Declares a key unsafe: every token that it signed is refused from now on, and all clients renew silently. The
    /// key's death, its feed entry and its audit line are one commit.
    ///
    /// # Errors
    /// `NOT_FOUND`; `UNAVAILABLE`: ask again, it does no harm to do so twice.
    pub(crate) async fn distrust_signing_key(
        self: &Arc<Self>,
        kid: &str,
        actor: &str,
    ) -> Result<(), Failure> {
        let now = self.decisive_now()?;
        let (authority, kid, actor) = (Arc::clone(self), kid.to_owned(), actor.to_owned());
        to_the_end(async move {
            let also = vec![
                Change::AppendFeed(authority.key_dead(&kid)),
                authority.key_line("key.distrusted", &actor, &json!({ "kid": kid })),
            ];
            let (store, entropy) = (&*authority.store, &*authority.entropy);
            let ring = &authority.signing;
            match ring.distrust(store, &kid, now, entropy, also).await {
                Ok(committed) => {
                    authority.feed.learn(&committed.feed_lines);
                    Ok(())
                }
                Err(fault) => {
                    // It may have been committed all the same.
                    let caught_up = authority.feed.catch_up(store).await;
                    caught_up.map_err(Failure::unavailable)?;
                    Err(failure(fault))
                }
            }
        })
        .await
    }

    /// A line of the audit log about a key.
    pub(super) fn key_line(&self, what: &'static str, actor: &str, detail: &Value) -> Change {
        Change::AppendAudit(NewAuditLine {
            at: self.clock.now(),
            what,
            actor: actor.to_owned(),
            user: None,
            session: None,
            detail: detail.to_string(),
        })
    }
}

/// Runs on when the caller goes away: what is committed is always told too.
pub(super) async fn to_the_end<T: Send + 'static>(
    work: impl Future<Output = Result<T, Failure>> + Send + 'static,
) -> Result<T, Failure> {
    tokio::spawn(work)
        .await
        .unwrap_or_else(|error| Err(Failure::unavailable(error)))
}

fn failure(fault: RingFault) -> Failure {
    match fault {
        RingFault::Unknown(_) => Failure::new(Code::NotFound, "there is no such signing key"),
        RingFault::NotCommitted(NotCommitted::Conflict(_)) => {
            Failure::new(Code::Conflict, "the keys changed meanwhile; look again")
        }
        other => Failure::unavailable(other),
    }
}
