//! A spent refresh token was presented: one of its two holders stole it, so both lose it.

use prolong_core::{EndReason, Life, OnReuse, Policy, Timestamp};
use prolong_store::{Change, Found, Transaction};
use serde_json::json;

use super::Authority;
use super::change_user::{audit_line, ended_line};
use crate::http::problem::Failure;

impl Authority {
    /// Ends the session, or all of the user's, in one transaction. `false`: something changed meanwhile.
    pub(crate) async fn end_for_reuse(
        &self,
        found: &Found,
        policy: &Policy,
        now: Timestamp,
    ) -> Result<bool, Failure> {
        let (session, reason) = (&found.session, EndReason::ReuseDetected);
        let end = |id, at_generation| Change::EndSession {
            id,
            reason,
            at: now,
            at_generation,
        };
        let mut transaction = Transaction::of(end(session.id, Some(session.generation)))
            .and(Change::AppendFeed(self.session_ended(session.id, reason)))
            .and(ended_line(now, ACTOR, session, reason));
        if policy.on_reuse == OnReuse::User {
            let mut user = found.user.clone();
            user.standing.version = user.standing.version.saturating_add(1);
            let version = user.standing.version;
            let others = self
                .store
                .sessions_of(user.key)
                .await
                .map_err(Failure::unavailable)?;
            transaction =
                transaction.and(Change::AppendFeed(self.version_raised(&user.sub, version)));
            for other in others
                .iter()
                .filter(|other| other.id != session.id && other.life == Life::Live)
            {
                transaction = transaction
                    .and(end(other.id, None))
                    .and(ended_line(now, ACTOR, other, reason));
            }
            let detail = json!({ "jwt_version": version });
            transaction = transaction
                .and(audit_line(
                    now,
                    "user.version_raised",
                    ACTOR,
                    user.key,
                    None,
                    &detail,
                ))
                .and(Change::ReplaceUser(user));
        }
        let ended = self.stored(transaction, 0).await;
        if ended {
            tracing::warn!(sid = %session.id, client = &*session.client, "a spent refresh token was presented: ended");
        }
        Ok(ended)
    }
}

const ACTOR: &str = "authority";
