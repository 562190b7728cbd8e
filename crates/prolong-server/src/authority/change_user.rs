//! Changing a user: read them with their sessions, plan, commit with the user's revision as guard, again on conflict.
//!
//! Every sign-in changes the user's row, so a plan that was committed saw every session there was.

use std::time::Duration;

use prolong_core::{EndReason, Life, Session, Timestamp, UserKey};
use prolong_protocol::problem::Code;
use prolong_store::{Change, NewAuditLine, NotCommitted, Transaction, User};
use serde_json::Value;

use super::Authority;
use crate::entropy::unit;
use crate::http::problem::Failure;

/// A change of one user, in the making.
pub(crate) struct UserChange<'a> {
    authority: &'a Authority,
    /// Who does it, for the audit log.
    actor: &'a str,
    /// When.
    pub(crate) now: Timestamp,
    /// The user as they will be.
    pub(crate) user: User,
    /// Their sessions as they were read.
    pub(crate) sessions: Vec<Session>,
    changes: Vec<Change>,
}

impl UserChange<'_> {
    /// Ends a session that has not ended yet, and tells the verifiers.
    pub(crate) fn end(&mut self, session: &Session, reason: EndReason) {
        if session.life == Life::Live {
            self.end_row(session, reason);
            self.changes.push(Change::AppendFeed(
                self.authority.session_ended(session.id, reason),
            ));
        }
    }

    /// Raises the version, which tells the verifiers that every older token is dead, and ends all sessions.
    pub(crate) fn raise_version(&mut self, reason_of: impl Fn(&Session) -> EndReason) {
        self.user.standing.version = self.user.standing.version.saturating_add(1);
        self.changes.push(Change::AppendFeed(
            self.authority
                .version_raised(&self.user.sub, self.user.standing.version),
        ));
        for session in std::mem::take(&mut self.sessions) {
            if session.life == Life::Live {
                self.end_row(&session, reason_of(&session));
            }
            self.sessions.push(session);
        }
        self.audit(
            "user.version_raised",
            &serde_json::json!({ "jwt_version": self.user.standing.version }),
        );
    }

    /// Adds a line to the audit log.
    pub(crate) fn audit(&mut self, what: &'static str, detail: &Value) {
        self.changes.push(audit_line(
            self.now,
            what,
            self.actor,
            self.user.key,
            None,
            detail,
        ));
    }

    /// Adds any other change.
    pub(crate) fn also(&mut self, change: Change) {
        self.changes.push(change);
    }

    fn end_row(&mut self, session: &Session, reason: EndReason) {
        self.changes.push(Change::EndSession {
            id: session.id,
            reason,
            at: self.now,
            at_generation: None,
        });
        self.changes
            .push(ended_line(self.now, self.actor, session, reason));
    }
}

impl Authority {
    /// Changes a user as `plan` says. The change and everything it ends are one commit.
    ///
    /// # Errors
    /// `NOT_FOUND` for a user that is not there or deleted; what `plan` refuses; `UNAVAILABLE`.
    pub(crate) async fn change_user(
        &self,
        key: UserKey,
        actor: &str,
        plan: impl Fn(&mut UserChange<'_>) -> Result<(), Failure> + Send,
    ) -> Result<User, Failure> {
        for round in 0..ROUNDS {
            let now = self.decisive_now()?;
            let read = self.store.user(key).await.map_err(Failure::unavailable)?;
            let user = read
                .filter(|user| !user.standing.deleted)
                .ok_or_else(no_such_user)?;
            let sessions = self
                .store
                .sessions_of(key)
                .await
                .map_err(Failure::unavailable)?;
            let before = user.clone();
            let mut change = UserChange {
                authority: self,
                actor,
                now,
                user,
                sessions,
                changes: Vec::new(),
            };
            plan(&mut change)?;
            let UserChange {
                user, mut changes, ..
            } = change;
            if user == before && changes.is_empty() {
                return Ok(user);
            }
            let guard = if user == before {
                Change::CheckUser {
                    user: key,
                    revision: before.revision,
                }
            } else {
                Change::ReplaceUser(user.clone())
            };
            changes.insert(0, guard);
            if self.committed(Transaction { changes }, round).await? {
                return Ok(user);
            }
        }
        Err(too_much_contention())
    }

    /// Commits; `false` where something changed meanwhile and the caller should read again.
    pub(crate) async fn committed(
        &self,
        transaction: Transaction,
        round: u32,
    ) -> Result<bool, Failure> {
        match self.commit_and_tell(transaction).await {
            Ok(_) => Ok(true),
            Err(NotCommitted::Conflict(at)) => {
                tracing::debug!(at, round, "conflict; reading again");
                let longest = f64::from(2_u32.saturating_pow(round.min(5)));
                tokio::time::sleep(Duration::from_secs_f64(
                    unit(&*self.entropy) * longest / 1000.0,
                ))
                .await;
                Ok(false)
            }
            Err(NotCommitted::Failed(error)) => Err(Failure::unavailable(error)),
        }
    }
}

/// A line of the audit log.
pub(crate) fn audit_line(
    at: Timestamp,
    what: &'static str,
    actor: &str,
    user: UserKey,
    session: Option<prolong_core::SessionId>,
    detail: &Value,
) -> Change {
    Change::AppendAudit(NewAuditLine {
        at,
        what,
        actor: actor.to_owned(),
        user: Some(user),
        session,
        detail: detail.to_string(),
    })
}

/// The audit line of an end.
pub(crate) fn ended_line(
    at: Timestamp,
    actor: &str,
    session: &Session,
    reason: EndReason,
) -> Change {
    let detail = serde_json::json!({
        "reason": reason.as_str(),
        "client_id": &*session.client,
        "device_name": session.device_name.as_deref(),
    });
    audit_line(
        at,
        "session.ended",
        actor,
        session.user,
        Some(session.id),
        &detail,
    )
}

pub(crate) fn no_such_user() -> Failure {
    Failure::new(Code::NotFound, "there is no such user")
}

pub(crate) fn too_much_contention() -> Failure {
    Failure::unavailable("the change kept meeting other changes of the same user")
}

/// How often a plan is made again before the caller is asked to come back.
pub(crate) const ROUNDS: u32 = 24;
