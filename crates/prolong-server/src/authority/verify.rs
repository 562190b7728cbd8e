//! Forward-auth: a token judged in memory, as an API with the verifier would; under `any-request` also prolonged.

use std::sync::Arc;

use prolong_core::{Activity, Policy, ProlongWith, SessionId, SoftResponse, Timestamp, over};
use prolong_protocol::problem::{Code, Reason};
use prolong_protocol::token::TokenAnswer;
use prolong_verify::{Claims, Rejection, Requirement};
use serde_json::Value;

use super::authenticate::{missing, rejected, too_old};
use super::{Authority, RenewWish};
use crate::http::problem::Failure;
use crate::settings::Client;
use crate::token::{MACHINE_SCOPE, REMEMBER};

/// What a route asks of the token.
#[derive(Clone, Debug, Default)]
pub(crate) struct VerifyWish {
    /// For this audience; `None`: any registered one.
    pub(crate) audience: Option<String>,
    /// Scopes and age of the sign-in.
    pub(crate) requirement: Requirement,
    /// No person stands behind the request: it neither counts as activity nor prolongs.
    pub(crate) background: bool,
}

/// A token that is good.
pub(crate) struct Forwarded {
    /// What it says.
    pub(crate) claims: Claims,
    /// A prolonged one in its place.
    pub(crate) renewed: Option<TokenAnswer>,
}

impl Authority {
    /// Judges a bearer token for an API behind a proxy. Costs no query, except where it is prolonged, or where its user is out
    /// and it is told why.
    ///
    /// # Errors
    /// 401 and 403 as the verifier has them.
    pub(crate) async fn verify_forwarded(
        self: &Arc<Self>,
        bearer: Option<&str>,
        wish: &VerifyWish,
    ) -> Result<Forwarded, Failure> {
        let bearer = bearer.ok_or_else(missing)?;
        let now = self.decisive_now()?;
        let claims = match self.judged(bearer, wish, now) {
            Err(failure) if failure.reason == Some(Reason::VersionRaised) => {
                return Err(self.why_out(bearer, now).await.unwrap_or(failure));
            }
            judged => judged?,
        };
        refuse_machine(&claims, wish)?;
        let Some(client) = self.client(claims.client_id()) else {
            return Err(rejected(Rejection::WrongAudience));
        };
        let policy = policy_in_force(client, &claims);
        let any_request =
            policy.prolong_with == ProlongWith::AnyRequest && claims.session_id().is_some();
        if any_request {
            refuse_forgotten(&claims, policy, now)?;
        } else {
            refuse_late(&claims, policy)?;
        }
        wish.requirement
            .check(&claims, now.as_secs())
            .map_err(|rejection| asked_for(rejection, wish))?;
        let counts = !wish.background && (any_request || policy.activity == Activity::Request);
        let id = claims.session_id().filter(|_| counts);
        let Some(id) = id.and_then(SessionId::parse) else {
            // What cannot be prolonged on the way must be good as it is.
            if claims.expired() {
                return Err(rejected(Rejection::Expired));
            }
            return Ok(Forwarded {
                claims,
                renewed: None,
            });
        };
        let renewed = if any_request {
            self.renewed_by_request(&claims, id, now).await?
        } else {
            None
        };
        if policy.activity == Activity::Request {
            self.note_activity(id, now).await;
        }
        Ok(Forwarded { claims, renewed })
    }

    fn judged(&self, bearer: &str, wish: &VerifyWish, now: Timestamp) -> Result<Claims, Failure> {
        let keys = self.verification_keys();
        // How late is too late depends on the client, which is known only afterwards.
        let expected = &self.own_tokens_of_any_age;
        let claims = self
            .feed
            .with_revoked(|revoked| {
                self.seen_tokens
                    .verify(bearer, &keys, expected, revoked, now.as_secs())
            })
            .map_err(rejected)?;
        let meant = |audience: &str| {
            if let Some(asked) = &wish.audience {
                audience == asked
            } else {
                let mut clients = self.settings.clients.values();
                clients.any(|client| client.audience.iter().any(|one| one == audience))
            }
        };
        if !claims.audience().any(meant) {
            return Err(rejected(Rejection::WrongAudience));
        }
        Ok(claims)
    }

    /// The feed only tells that a user's tokens of before are out. The store knows whether the user was banned or deleted, or
    /// ended this very session; of several reasons the first counts.
    async fn why_out(&self, bearer: &str, now: Timestamp) -> Option<Failure> {
        let (claims, client) = self.claims_of_user(bearer, now).ok()?;
        let id = claims.session_id().and_then(SessionId::parse)?;
        let found = self.store.session(id).await.ok()??;
        let policy = client.policy_for(found.session.flags.remember);
        let over = over(&found.session, &found.user.standing, now, policy)?;
        Some(Failure::new(Code::InvalidToken, "the session is over").because(over.reason))
    }

    /// A new token from half of the old one's life on. A failure of ours spoils no request whose token is still good.
    async fn renewed_by_request(
        &self,
        claims: &Claims,
        id: SessionId,
        now: Timestamp,
    ) -> Result<Option<TokenAnswer>, Failure> {
        let issued_at = Timestamp::from_secs(claims.issued_at());
        let life = Timestamp::from_secs(claims.expires_at()).since(issued_at);
        if now < issued_at.plus(life / 2) {
            return Ok(None);
        }
        let renewal = async {
            self.store_activity_of(id)
                .await
                .map_err(Failure::unavailable)?;
            self.renew(
                claims,
                RenewWish {
                    by_request: true,
                    ..RenewWish::default()
                },
            )
            .await
        };
        match renewal.await {
            Err(failure) if failure.code == Code::Unavailable && !claims.expired() => {
                tracing::warn!(
                    cause = failure.cause,
                    "a token could not be prolonged on the way"
                );
                Ok(None)
            }
            Ok(None) if claims.expired() => Err(rejected(Rejection::Expired)),
            other => other,
        }
    }
}

/// A machine's token is for this authority, whose issuer may be an audience of users' tokens too. No API takes it for a
/// user's, except a route that asks for a machine's scope, which no user has.
fn refuse_machine(claims: &Claims, wish: &VerifyWish) -> Result<(), Failure> {
    let asked_for = |scope: &String| scope.starts_with(MACHINE_SCOPE);
    if claims.session_id().is_some() || wish.requirement.scopes.iter().any(asked_for) {
        Ok(())
    } else {
        Err(rejected(Rejection::WrongAudience))
    }
}

/// The policy of the token's session. Where the client has two, the token says which.
fn policy_in_force<'a>(client: &'a Client, claims: &Claims) -> &'a Policy {
    let remembered = client.policy_remembered.is_some()
        && claims.raw().get(REMEMBER).and_then(Value::as_bool) == Some(true);
    client.policy_for(remembered)
}

/// Past `exp + accept_expired`.
fn refuse_forgotten(claims: &Claims, policy: &Policy, now: Timestamp) -> Result<(), Failure> {
    let end = Timestamp::from_secs(claims.expires_at()).plus(policy.accept_expired);
    if claims.expired() && now >= end {
        Err(too_old())
    } else {
        Ok(())
    }
}

/// Past `exp`, and past `softexp` where that is enforced.
fn refuse_late(claims: &Claims, policy: &Policy) -> Result<(), Failure> {
    let enforced =
        policy.soft_response == SoftResponse::Reject && claims.soft_expires_at().is_some();
    if claims.expired() {
        return Err(rejected(if enforced {
            Rejection::RenewalMissed
        } else {
            Rejection::Expired
        }));
    }
    if enforced && claims.renewal_due() {
        return Err(rejected(Rejection::SoftExpired));
    }
    Ok(())
}

/// The challenge says what would have been enough (RFC 6750 §3, RFC 9470 §3).
fn asked_for(rejection: Rejection, wish: &VerifyWish) -> Failure {
    let mut failure = rejected(rejection);
    if rejection == Rejection::InsufficientScope {
        failure
            .challenge
            .push(("scope", wish.requirement.scopes.join(" ")));
    }
    if let Some(age) = wish
        .requirement
        .max_age
        .filter(|_| rejection == Rejection::InsufficientAuthentication)
    {
        failure.challenge.push(("max_age", age.to_string()));
    }
    failure
}
