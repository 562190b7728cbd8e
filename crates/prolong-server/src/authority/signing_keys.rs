//! What an administrator does to signing keys.

use prolong_core::Timestamp;
use prolong_protocol::problem::Code;
use prolong_store::{Change, NewAuditLine, NotCommitted, Transaction};
use serde_json::json;

use super::Authority;
use crate::http::problem::Failure;
use crate::keys::RingFault;

impl Authority {
    /// Makes another key sign; the old one goes on verifying. Gives the new key's id.
    ///
    /// # Errors
    /// `UNAVAILABLE`; nothing has changed then.
    pub(crate) async fn rotate_signing_key(&self, actor: &str) -> Result<String, Failure> {
        let now = self.decisive_now()?;
        let kid = self
            .signing
            .rotate(&*self.store, now, &*self.entropy)
            .await
            .map_err(failure)?;
        let line = key_line("key.rotated", &kid, actor, self.clock.now());
        self.store
            .commit(Transaction::of(line))
            .await
            .map_err(Failure::unavailable)?;
        Ok(kid)
    }

    /// Declares a key unsafe: every token that it signed is refused from now on, and all clients renew silently. The key's
    /// row and the feed's entry are one commit.
    ///
    /// # Errors
    /// `NOT_FOUND`; `UNAVAILABLE`: ask again, it does no harm to do so twice.
    pub(crate) async fn distrust_signing_key(&self, kid: &str, actor: &str) -> Result<(), Failure> {
        let now = self.decisive_now()?;
        let told = vec![
            Change::AppendFeed(self.key_dead(kid)),
            key_line("key.distrusted", kid, actor, now),
        ];
        let distrusted = self
            .signing
            .distrust(&*self.store, kid, now, &*self.entropy, told)
            .await;
        match distrusted {
            Ok(committed) => {
                self.feed.learn(&committed.feed_lines);
                Ok(())
            }
            Err(fault) => {
                // It may have been committed all the same.
                self.feed
                    .catch_up(&*self.store)
                    .await
                    .map_err(Failure::unavailable)?;
                Err(failure(fault))
            }
        }
    }
}

fn key_line(what: &'static str, kid: &str, actor: &str, at: Timestamp) -> Change {
    Change::AppendAudit(NewAuditLine {
        at,
        what,
        actor: actor.to_owned(),
        user: None,
        session: None,
        detail: json!({ "kid": kid }).to_string(),
    })
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
