//! Who calls: a user by the access token of a session, or a machine by its own token.

use std::sync::Arc;

use prolong_core::{EndReason, SessionId, Timestamp, over};
use prolong_protocol::problem::{Action, Code, Reason};
use prolong_store::Found;
use prolong_verify::{Claims, Rejection, verify};

use super::Authority;
use crate::http::problem::Failure;
use crate::settings::Client;

/// What the caller's access token may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ExpiredToken {
    /// Not expired.
    Refused,
    /// Expired within the policy's `accept_expired`: for what gives a new token.
    WithinPolicy,
}

/// What is asked of the caller's token and session.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Credential {
    /// Whether it may have expired.
    pub(crate) expired: ExpiredToken,
    /// Whether the session may be waiting for a reauthentication.
    pub(crate) may_await_reauthentication: bool,
}

impl Credential {
    /// A good token of a good session.
    pub(crate) const GOOD: Self = Self {
        expired: ExpiredToken::Refused,
        may_await_reauthentication: false,
    };
    /// To prove again who one is.
    pub(crate) const TO_REAUTHENTICATE: Self = Self {
        expired: ExpiredToken::WithinPolicy,
        may_await_reauthentication: true,
    };
}

/// A user who calls.
pub(crate) struct Caller {
    /// The session and its user, as of now.
    pub(crate) found: Found,
}

/// A machine that calls.
pub(crate) struct Machine {
    /// Its client id.
    pub(crate) client_id: String,
}

impl Authority {
    /// Authenticates a user. Reads the session, so that an end counts at once.
    ///
    /// # Errors
    /// `MISSING_TOKEN`, `EXPIRED_TOKEN`, `INVALID_TOKEN` with the reason where the session is over.
    pub(crate) async fn authenticate(
        &self,
        bearer: Option<&str>,
        asked: Credential,
    ) -> Result<Caller, Failure> {
        let bearer = bearer.ok_or_else(missing)?;
        let now = self.decisive_now()?;
        let (claims, client) = self.claims_of_user(bearer, now).map_err(|failure| {
            let distrusted = self
                .feed
                .with_revoked(|revoked| revoked.kills_key_of(bearer));
            if distrusted {
                rejected(Rejection::KeyDistrusted)
            } else {
                failure
            }
        })?;
        let id = claims.session_id().and_then(SessionId::parse);
        let id = id.ok_or_else(|| rejected(Rejection::WrongSubjectKind))?;
        let found = self.store.session(id).await.map_err(Failure::unavailable)?;
        let found = found.filter(|found| {
            found.user.sub == claims.subject() && *found.session.client == *client.id
        });
        let found = found.ok_or_else(|| rejected(Rejection::SessionEnded(None)))?;
        let policy = client.policy_for(found.session.flags.remember);
        if let Some(over) = over(&found.session, &found.user.standing, now, policy) {
            let awaited = matches!(
                over.reason,
                EndReason::ReauthRequired | EndReason::SignInTooOld
            );
            if !(awaited && asked.may_await_reauthentication) {
                return Err(
                    Failure::new(Code::InvalidToken, "the session is over").because(over.reason)
                );
            }
        }
        if claims.expired() {
            let expires_at = Timestamp::from_secs(claims.expires_at());
            if asked.expired == ExpiredToken::Refused {
                return Err(rejected(Rejection::Expired));
            }
            if now >= expires_at.plus(policy.accept_expired) {
                return Err(too_old());
            }
        } else if asked.expired == ExpiredToken::Refused {
            let sound = self.feed.with_revoked(|revoked| {
                verify(
                    bearer,
                    &self.verification_keys(),
                    &self.own_tokens,
                    revoked,
                    now.as_secs(),
                )
            });
            sound.map_err(rejected)?;
        }
        Ok(Caller { found })
    }

    /// Authenticates a machine that has one of these scopes.
    ///
    /// # Errors
    /// `MISSING_TOKEN`, `EXPIRED_TOKEN`, `INVALID_TOKEN`; `INSUFFICIENT_SCOPE` for a good token without the scope, a
    /// user's included.
    pub(crate) fn authenticate_machine(
        &self,
        bearer: Option<&str>,
        any_of: &[&str],
    ) -> Result<Machine, Failure> {
        let bearer = bearer.ok_or_else(missing)?;
        let now = self.decisive_now()?;
        let claims = self
            .feed
            .with_revoked(|revoked| {
                self.seen_tokens.verify(
                    bearer,
                    &self.verification_keys(),
                    &self.own_tokens,
                    revoked,
                    now.as_secs(),
                )
            })
            .map_err(rejected)?;
        let ours = claims.audience().any(|one| one == self.settings.issuer);
        let client = self
            .client(claims.client_id())
            .filter(|_| claims.session_id().is_none() && ours);
        let scope = client.and_then(|client| {
            any_of.iter().find(|scope| {
                claims.has_scope(scope) && client.scopes.iter().any(|one| one == *scope)
            })
        });
        if scope.is_none() {
            let mut failure = rejected(Rejection::InsufficientScope);
            failure.challenge.push(("scope", any_of.join(" ")));
            return Err(failure);
        }
        Ok(Machine {
            client_id: claims.client_id().to_owned(),
        })
    }

    /// The claims of an authentic user token for a registered audience of its client, expired or not.
    pub(super) fn claims_of_user(
        &self,
        token: &str,
        now: Timestamp,
    ) -> Result<(Claims, &Arc<Client>), Failure> {
        let claims = self.authentic_claims(token, now).map_err(rejected)?;
        let client = self.client(claims.client_id());
        let client = client.ok_or_else(|| rejected(Rejection::WrongAudience))?;
        if !claims
            .audience()
            .any(|aud| client.audience.iter().any(|one| one == aud))
        {
            return Err(rejected(Rejection::WrongAudience));
        }
        Ok((claims, client))
    }

    /// The claims of a token of ours, whatever its age and whatever was revoked: for credentials that the store judges.
    /// A dead key's tokens are refused, since the key is no longer among the keys.
    pub(crate) fn authentic_claims(
        &self,
        token: &str,
        now: Timestamp,
    ) -> Result<Claims, Rejection> {
        verify(
            token,
            &self.verification_keys(),
            &self.own_tokens_of_any_age,
            self.feed.nothing_revoked(),
            now.as_secs(),
        )
    }
}

/// A verifier's rejection as a problem.
pub(crate) fn rejected(rejection: Rejection) -> Failure {
    let mut failure = Failure::new(rejection.code(), rejection.detail()).action(rejection.action());
    failure.reason = rejection.reason();
    if rejection == Rejection::TooLarge {
        failure.code = Code::InvalidToken;
        failure.action = Some(Action::SignIn);
    }
    failure
}

/// A newer access token of the session is the good one.
pub(crate) fn superseded() -> Failure {
    let mut failure = rejected(Rejection::Superseded);
    failure.reason = Some(Reason::Superseded);
    failure
}

/// Expired for longer than the policy accepts.
pub(crate) fn too_old() -> Failure {
    Failure::new(
        Code::InvalidToken,
        "the access token expired too long ago; sign in",
    )
    .action(Action::SignIn)
}

pub(super) fn missing() -> Failure {
    Failure::new(
        Code::MissingToken,
        "send an access token in the Authorization header",
    )
}
