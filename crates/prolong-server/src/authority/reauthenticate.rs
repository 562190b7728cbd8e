//! A user proves again who they are, in a session that goes on.

use prolong_core::{Action, Event, Refusal, SessionId, Verdict, decide};
use prolong_protocol::problem::Code;
use prolong_protocol::token::TokenAnswer;
use prolong_store::{Change, Found, Transaction};
use prolong_verify::Claims;
use serde_json::json;

use super::change_user::{ROUNDS, audit_line, too_much_contention};
use super::end::no_such_session;
use super::{Authority, Credential};
use crate::http::problem::Failure;

impl Authority {
    /// The session of an access token, to reauthenticate in it. The token may have expired however long ago: it only
    /// names the session, the password proves the rest, and tokens cannot outlive `sign_in_within`.
    ///
    /// # Errors
    /// As for every caller; `INVALID_TOKEN` where the session is over for good.
    pub(crate) async fn caller_to_reauthenticate(
        &self,
        bearer: Option<&str>,
    ) -> Result<Found, Failure> {
        let now = self.decisive_now()?;
        let claims = bearer.and_then(|bearer| self.authentic_claims(bearer, now).ok());
        let Some(claims) = claims.filter(Claims::expired) else {
            return self
                .authenticate(bearer, Credential::TO_REAUTHENTICATE)
                .await
                .map(|caller| caller.found);
        };
        let gone = || Failure::new(Code::InvalidToken, "the session is over; sign in");
        let id = claims
            .session_id()
            .and_then(SessionId::parse)
            .ok_or_else(gone)?;
        let found = self
            .store
            .session(id)
            .await
            .map_err(Failure::unavailable)?
            .ok_or_else(gone)?;
        let client = self.client_of(&found.session)?;
        if found.user.sub != claims.subject() || client.id != claims.client_id() {
            return Err(gone());
        }
        match self.over_now(&found.session, &found.user.standing, now) {
            Some(over) if over.reason.action() != Action::Reauthenticate => {
                Err(gone().because(over.reason))
            }
            _ => Ok(found),
        }
    }

    /// By password: new tokens with a new `auth_time`. No refresh token: the client has it, and only the client.
    ///
    /// # Errors
    /// `INVALID_CREDENTIALS`, `TOO_MANY_REQUESTS`; `INVALID_TOKEN` with its reason where the session is over for good;
    /// `CONFLICT` for a user without a password.
    pub(crate) async fn reauthenticate(
        &self,
        caller: &Found,
        password: &str,
        network: &str,
    ) -> Result<TokenAnswer, Failure> {
        self.verify_own_password(caller, password, network).await?;
        self.reauthenticated(
            caller.session.id,
            caller.user.password_hash.as_deref(),
            "user",
        )
        .await
    }

    /// Verifies the password of somebody who has a session.
    pub(crate) async fn verify_own_password(
        &self,
        caller: &Found,
        password: &str,
        network: &str,
    ) -> Result<(), Failure> {
        let user = &caller.user;
        if user.password_hash.is_none() {
            let detail =
                "this user has no password here: your application's own sign-in vouches for them";
            return Err(Failure::new(Code::Conflict, detail));
        }
        let account = user.login.as_deref().unwrap_or(&user.sub);
        self.verify_password(account, Some(user.clone()), password, network)
            .await
            .map(drop)
    }

    /// By the word of whoever verified it. With `proved`, only while this is the user's password hash.
    pub(crate) async fn reauthenticated(
        &self,
        id: SessionId,
        proved: Option<&str>,
        actor: &str,
    ) -> Result<TokenAnswer, Failure> {
        let mut told = None;
        for round in 0..ROUNDS {
            let now = self.decisive_now()?;
            let found = self
                .store
                .session(id)
                .await
                .map_err(Failure::unavailable)?
                .ok_or_else(no_such_session)?;
            let Found { session, user } = &found;
            if proved.is_some() && user.password_hash.as_deref() != proved {
                return Err(Failure::new(
                    Code::Conflict,
                    "the password was changed meanwhile",
                ));
            }
            let client = self.client_of(session)?;
            let policy = client.policy_for(session.flags.remember);
            let decision = decide(
                session,
                &user.standing,
                &Event::Reauthenticated,
                now,
                policy,
            );
            let renewal = match decision.verdict {
                Verdict::Renewed(renewal) => renewal,
                Verdict::Refused(Refusal::Over { reason, .. }) => {
                    return Err(
                        Failure::new(Code::InvalidToken, "the session is over; sign in")
                            .because(reason),
                    );
                }
                _ => {
                    return Err(Failure::unavailable(
                        "reauthentication came to neither tokens nor an end",
                    ));
                }
            };
            if told.is_none() {
                told = Some(self.ask_before_renewing(&found, client, policy).await?);
                // Asking takes time, in which the session may have ended.
                if policy.check_url.is_some() {
                    continue;
                }
            }
            let Found { session, mut user } = found;
            let seen = user.standing;
            if let Some(claims) = told.clone().flatten() {
                user.claims = claims;
            }
            user.standing.last_sign_in = user.standing.last_sign_in.max(Some(now));
            let detail = json!({ "client_id": client.id });
            let transaction = Transaction::of(Change::ReplaceUser(user.clone()))
                .and(Change::SwapSession {
                    seen: Box::new(session),
                    next: Box::new(decision.next.clone()),
                    user: seen,
                })
                .and(audit_line(
                    now,
                    "session.reauthenticated",
                    actor,
                    user.key,
                    Some(id),
                    &detail,
                ));
            if self.committed(transaction, round).await? {
                return self.token_answer(&decision.next, &user, client, &renewal, None, now);
            }
        }
        Err(too_much_contention())
    }
}
