//! Prolonging with an access token: the same claims with new times.

use std::sync::Arc;
use std::time::Duration;

use prolong_core::{
    Event, Generation, Policy, Refusal, Renew, SessionId, Timestamp, Verdict, decide,
};
use prolong_protocol::problem::Code;
use prolong_protocol::token::TokenAnswer;
use prolong_store::Found;
use prolong_verify::{Claims, Rejection};

use super::Authority;
use super::authenticate::{missing, rejected, superseded, too_old};
use super::user_table::TableSays;
use crate::http::problem::Failure;
use crate::settings::Client;
use crate::token::granted_scopes;

/// What a renewal may ask for.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct RenewWish {
    /// How long the person has been idle.
    pub(crate) idle_for: Option<Duration>,
    /// A shorter life than the policy's.
    pub(crate) expires_in: Option<Duration>,
    /// It came through forward-auth: renewed only from half of the token's life on.
    pub(crate) by_request: bool,
}

impl Authority {
    /// Prolongs the session of a bearer access token.
    ///
    /// # Errors
    /// 401 with the reason where the session is over, and past `exp + accept_expired`; `WRONG_CREDENTIAL` where the policy
    /// prolongs with a refresh token; `UNAVAILABLE`.
    pub(crate) async fn renew_bearer(
        &self,
        bearer: Option<&str>,
        wish: RenewWish,
    ) -> Result<TokenAnswer, Failure> {
        let bearer = bearer.ok_or_else(missing)?;
        // Whether the session is over, and how old is too old, the core says.
        let (claims, _) = self.claims_of_user(bearer, self.decisive_now()?)?;
        match self.renew(&claims, wish).await? {
            Some(answer) => Ok(answer),
            None => Err(Failure::unavailable(
                "a renewal that was asked for was not due",
            )),
        }
    }

    /// Prolongs the session of verified claims; `None` where it is not due yet.
    pub(crate) async fn renew(
        &self,
        claims: &Claims,
        wish: RenewWish,
    ) -> Result<Option<TokenAnswer>, Failure> {
        let outcome = self.renew_in_rounds(claims, wish).await;
        self.metrics.refresh(match &outcome {
            Ok(Some(_)) => prolong_core::Class::AccessToken.as_str(),
            Ok(None) => Refusal::NotDue.as_str(),
            Err(failure) => failure.code.as_str(),
        });
        outcome
    }

    async fn renew_in_rounds(
        &self,
        claims: &Claims,
        wish: RenewWish,
    ) -> Result<Option<TokenAnswer>, Failure> {
        let id = claims.session_id().and_then(SessionId::parse);
        let id = id.ok_or_else(|| rejected(Rejection::WrongSubjectKind))?;
        let mut told = None;
        for round in 0..ROUNDS {
            let now = self.decisive_now()?;
            let found = self.store.session(id).await.map_err(Failure::unavailable)?;
            let found = found.filter(|found| found.user.sub == claims.subject());
            let found = found.ok_or_else(|| rejected(Rejection::SessionEnded(None)))?;
            let session = &found.session;
            let client = Arc::clone(self.client_of(session)?);
            let policy = client.policy_for(session.flags.remember);
            let event = Event::Renew(Renew {
                expires_at: Timestamp::from_secs(claims.expires_at()),
                issued_at: Timestamp::from_secs(claims.issued_at()),
                generation: claims.generation().map(Generation),
                idle_for: wish.idle_for,
                expires_in: wish.expires_in,
                by_request: wish.by_request,
            });
            let decision = decide(session, &found.user.standing, &event, now, policy);
            let renewal = match decision.verdict {
                Verdict::Renewed(renewal) => renewal,
                Verdict::Refused(Refusal::NotDue) => return Ok(None),
                Verdict::Refused(refusal) => {
                    if let Refusal::Over { reason, .. } = refusal {
                        self.metrics.over(reason);
                    }
                    return Err(refused(refusal));
                }
                Verdict::Ended(_) | Verdict::Noted => {
                    return Err(Failure::unavailable(
                        "a renewal came to neither tokens nor a refusal",
                    ));
                }
            };
            if decision.next != *session && told.is_none() {
                told = Some(self.ask_before_renewing(&found, &client, policy).await?);
                // Asking takes time, in which the session may have ended.
                if policy.check_url.is_some() {
                    continue;
                }
            }
            let Found { session, mut user } = found;
            let claims_told = told.clone().flatten();
            let claims_told = claims_told.filter(|told| *told != user.claims);
            let transaction =
                self.prolonging(&session, &decision.next, &mut user, claims_told, policy);
            if !self.stored(transaction, round).await {
                continue;
            }
            // The same claims: a scope that was narrowed stays narrow. What the operator took from the client is gone, as
            // it is from refreshed tokens.
            let granted = granted_scopes(&decision.next, &client);
            let scope = claims.scope().map(|scope| in_both(scope, &granted));
            let subject = (&decision.next, &user, &*client);
            return self
                .token_answer_with_scope(subject, &renewal, None, scope.as_deref(), now)
                .map(Some);
        }
        Err(Failure::unavailable(
            "the session kept changing, or the store did not say what became of it",
        ))
    }

    /// Asks the operator's user table before a session is prolonged durably by something else than a refresh token.
    pub(super) async fn ask_before_renewing(
        &self,
        found: &Found,
        client: &Client,
        policy: &Policy,
    ) -> Result<Option<String>, Failure> {
        match self.user_table_on_prolonging(found, client, policy).await {
            TableSays::Allow(claims) => Ok(claims),
            TableSays::Refuse(reason, _) => {
                Err(Failure::new(Code::InvalidToken, "the session is over").because(reason))
            }
            TableSays::NoAnswer(cause) => Err(Failure::unavailable(cause)),
        }
    }
}

/// The scopes that stand in both lists.
fn in_both(held: &str, granted: &str) -> String {
    let kept = held
        .split(' ')
        .filter(|scope| granted.split(' ').any(|one| one == *scope));
    kept.collect::<Vec<_>>().join(" ")
}

fn refused(refusal: Refusal) -> Failure {
    match refusal {
        Refusal::Over { reason, .. } => {
            Failure::new(Code::InvalidToken, "the session is over").because(reason)
        }
        Refusal::WrongCredential => Failure::new(
            Code::WrongCredential,
            "this session is prolonged with its refresh token, at /oauth/token",
        ),
        Refusal::AccessTokenTooOld => too_old(),
        Refusal::AccessTokenSuperseded => superseded(),
        _ => Failure::new(
            Code::InvalidToken,
            "the access token does not prolong its session",
        ),
    }
}

/// How often a session is read and decided on; one more than needed by races alone, for the operator's user table is asked
/// between two.
const ROUNDS: u32 = 4;
