//! Changing a password.

use prolong_core::{
    EndReason, Event, Refusal, Session, SessionId, UserKey, Verdict, decide,
    ended_by_password_change,
};
use prolong_protocol::problem::Code;
use prolong_protocol::token::TokenAnswer;
use prolong_store::{Change, Found};
use serde_json::json;

use super::Authority;
use super::change_user::UserChange;
use crate::entropy::draw;
use crate::http::problem::Failure;
use crate::users::valid_new_password;

impl Authority {
    /// A user changes their own password: one commit with every session that it ends. Tokens where the caller's
    /// session goes on.
    ///
    /// # Errors
    /// `INVALID_REQUEST` for a password that will not do; as for reauthentication; `CONFLICT` where it was changed
    /// meanwhile.
    pub(crate) async fn change_password(
        &self,
        caller: &Found,
        current: &str,
        new: &str,
        network: &str,
    ) -> Result<Option<TokenAnswer>, Failure> {
        valid_new_password(new).map_err(|fault| invalid_field("new_password", fault))?;
        self.verify_own_password(caller, current, network).await?;
        let hash = self.hash_password(new).await?;
        let id = caller.session.id;
        self.change_user(caller.user.key, "user", |change| {
            if change.user.password_hash != caller.user.password_hash {
                return Err(Failure::new(
                    Code::Conflict,
                    "the password was changed meanwhile",
                ));
            }
            let own = change
                .sessions
                .iter()
                .find(|session| session.id == id)
                .cloned();
            let own = own
                .ok_or_else(|| Failure::new(Code::InvalidToken, "the session is over; sign in"))?;
            let before = change.user.standing;
            change.user.password_hash = Some(hash.clone());
            self.end_by_password_change(change, Some(id));
            if !self.is_ended_by_password_change(&own, Some(id)) {
                // Whoever knows the current password has proved who they are.
                change.user.standing.last_sign_in = before.last_sign_in.max(Some(change.now));
                let policy = self.client_of(&own)?.policy_for(own.flags.remember);
                let decision = decide(&own, &before, &Event::Reauthenticated, change.now, policy);
                match decision.verdict {
                    Verdict::Renewed(_) => {}
                    Verdict::Refused(Refusal::Over { reason, .. }) => {
                        return Err(Failure::new(
                            Code::InvalidToken,
                            "the session is over; sign in",
                        )
                        .because(reason));
                    }
                    _ => {
                        return Err(Failure::unavailable(
                            "reauthentication came to neither tokens nor an end",
                        ));
                    }
                }
                change.also(Change::SwapSession {
                    seen: Box::new(own),
                    next: Box::new(decision.next),
                    user: before,
                });
            }
            change.audit("user.password_changed", &json!({}));
            Ok(())
        })
        .await?;
        self.tokens_if_kept(id).await
    }

    /// An administrator sets a password, knowing no current one: every session ends.
    ///
    /// # Errors
    /// `INVALID_REQUEST`, `NOT_FOUND`, `UNAVAILABLE`.
    pub(crate) async fn reset_password(
        &self,
        user: UserKey,
        new: &str,
        actor: &str,
    ) -> Result<(), Failure> {
        valid_new_password(new).map_err(|fault| invalid_field("password", fault))?;
        let hash = self.hash_password(new).await?;
        self.store_password(user, hash, actor).await
    }

    /// The same with a hash that was made elsewhere.
    pub(crate) async fn store_password(
        &self,
        user: UserKey,
        hash: String,
        actor: &str,
    ) -> Result<(), Failure> {
        self.change_user(user, actor, |change| {
            change.user.password_hash = Some(hash.clone());
            self.end_by_password_change(change, None);
            change.audit("user.password_set", &json!({}));
            Ok(())
        })
        .await
        .map(drop)
    }

    pub(crate) async fn hash_password(&self, password: &str) -> Result<String, Failure> {
        self.passwords
            .hash(password, draw(&*self.entropy))
            .await
            .map_err(Failure::unavailable)
    }

    fn end_by_password_change(&self, change: &mut UserChange<'_>, caller: Option<SessionId>) {
        for session in change.sessions.clone() {
            if self.is_ended_by_password_change(&session, caller) {
                change.end(&session, EndReason::PasswordChanged);
            }
        }
    }

    /// By the session's own policy; where its client is gone, it ends.
    fn is_ended_by_password_change(&self, session: &Session, caller: Option<SessionId>) -> bool {
        self.policy_of(session)
            .is_none_or(|policy| ended_by_password_change(session, caller, policy))
    }

    /// Tokens for a session whose user just proved who they are; `None` where it has ended.
    async fn tokens_if_kept(&self, id: SessionId) -> Result<Option<TokenAnswer>, Failure> {
        let now = self.decisive_now()?;
        let Some(Found { session, user }) =
            self.store.session(id).await.map_err(Failure::unavailable)?
        else {
            return Ok(None);
        };
        let client = self.client_of(&session)?;
        let policy = client.policy_for(session.flags.remember);
        if prolong_core::over(&session, &user.standing, now, policy).is_some() {
            return Ok(None);
        }
        let renewal = session.first_tokens(&user.standing, now, policy);
        self.token_answer(&session, &user, client, &renewal, None, now)
            .map(Some)
    }
}

pub(crate) fn invalid_field(field: &str, fault: impl core::fmt::Display) -> Failure {
    Failure::new(Code::InvalidRequest, format!("`{field}` {fault}"))
}
