//! Ending sessions.

use prolong_core::{EndReason, Life, Session, SessionId, UserKey};
use prolong_protocol::problem::Code;
use prolong_store::{Change, Transaction};

use super::Authority;
use super::change_user::{ROUNDS, ended_line, too_much_contention};
use crate::http::problem::Failure;

impl Authority {
    /// Ends one session; one that has ended already stays as it is. With `of`, only a session of that user.
    ///
    /// # Errors
    /// `NOT_FOUND` where there is no such session (of that user); `UNAVAILABLE`.
    pub(crate) async fn end_session(
        &self,
        id: SessionId,
        of: Option<UserKey>,
        reason: EndReason,
        actor: &str,
    ) -> Result<(), Failure> {
        for round in 0..ROUNDS {
            let now = self.decisive_now()?;
            let found = self.store.session(id).await.map_err(Failure::unavailable)?;
            let session = found
                .map(|found| found.session)
                .filter(|session| of.is_none_or(|user| session.user == user))
                .ok_or_else(no_such_session)?;
            if session.life != Life::Live {
                return Ok(());
            }
            let transaction = Transaction::of(Change::EndSession {
                id,
                reason,
                at: now,
                at_generation: None,
            })
            .and(Change::AppendFeed(self.session_ended(id, reason)))
            .and(ended_line(now, actor, &session, reason));
            if self.committed(transaction, round).await? {
                return Ok(());
            }
        }
        Err(too_much_contention())
    }

    /// The user signs out everywhere. Without `except`, their version is raised too.
    ///
    /// # Errors
    /// As for every change of a user.
    pub(crate) async fn sign_out_everywhere(
        &self,
        user: UserKey,
        current: SessionId,
        except_current: bool,
    ) -> Result<(), Failure> {
        let reason_of = |session: &Session| {
            if session.id == current {
                EndReason::SignedOut
            } else {
                EndReason::SignedOutElsewhere
            }
        };
        self.change_user(user, "user", |change| {
            if except_current {
                let sessions = change.sessions.clone();
                for session in sessions.iter().filter(|session| session.id != current) {
                    change.end(session, EndReason::SignedOutElsewhere);
                }
            } else {
                change.raise_version(reason_of);
            }
            Ok(())
        })
        .await
        .map(drop)
    }

    /// Renames a session's device; `None` takes the name away.
    ///
    /// # Errors
    /// `NOT_FOUND` where the user has no such live session; `UNAVAILABLE`.
    pub(crate) async fn rename_session(
        &self,
        id: SessionId,
        of: UserKey,
        device_name: Option<Box<str>>,
    ) -> Result<Session, Failure> {
        for round in 0..ROUNDS {
            let found = self.store.session(id).await.map_err(Failure::unavailable)?;
            let session = found
                .map(|found| found.session)
                .filter(|session| session.user == of && session.life == Life::Live)
                .ok_or_else(no_such_session)?;
            let change = Change::RenameSession {
                id,
                device_name: device_name.clone(),
            };
            if self.committed(Transaction::of(change), round).await? {
                return Ok(Session {
                    device_name,
                    ..session
                });
            }
        }
        Err(too_much_contention())
    }
}

pub(crate) fn no_such_session() -> Failure {
    Failure::new(Code::NotFound, "there is no such session")
}
