//! What an administrator does to signing keys.

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
        self.note_key("key.rotated", &kid, actor, Transaction::default())
            .await?;
        Ok(kid)
    }

    /// Declares a key unsafe: every token that it signed is refused from now on, and all clients renew silently.
    ///
    /// # Errors
    /// `NOT_FOUND`; `UNAVAILABLE`: ask again, it does no harm to do so twice.
    pub(crate) async fn distrust_signing_key(&self, kid: &str, actor: &str) -> Result<(), Failure> {
        let now = self.decisive_now()?;
        self.signing
            .distrust(&*self.store, kid, now, &*self.entropy)
            .await
            .map_err(failure)?;
        let dead = crate::feed::key_dead_entry(self.feed.salt(), kid, self.feed.until(now));
        self.note_key(
            "key.distrusted",
            kid,
            actor,
            Transaction::of(Change::AppendFeed(dead)),
        )
        .await
    }

    async fn note_key(
        &self,
        what: &'static str,
        kid: &str,
        actor: &str,
        transaction: Transaction,
    ) -> Result<(), Failure> {
        let line = NewAuditLine {
            at: self.clock.now(),
            what,
            actor: actor.to_owned(),
            user: None,
            session: None,
            detail: json!({ "kid": kid }).to_string(),
        };
        self.commit_and_tell(transaction.and(Change::AppendAudit(line)))
            .await
            .map_err(Failure::unavailable)
            .map(drop)
    }
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
