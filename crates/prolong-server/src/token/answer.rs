//! The answer that carries tokens.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use prolong_core::{AccessGrant, Renewal, RenewalHint, Session, Timestamp};
use prolong_protocol::token::{SessionSummary, TokenAnswer};
use prolong_store::User;

use super::{AccessClaims, SessionClaims};
use crate::authority::Authority;
use crate::entropy::{Entropy, draw, unit};
use crate::http::problem::Failure;
use crate::keys::SessionSecret;
use crate::settings::Client;

impl Authority {
    /// Mints the tokens of a renewal. `scope` narrows what the session was granted.
    ///
    /// # Errors
    /// `UNAVAILABLE` where a key is missing that should be there.
    pub(crate) fn token_answer_with_scope(
        &self,
        (session, user, client): (&Session, &User, &Client),
        renewal: &Renewal,
        secret: Option<&SessionSecret>,
        scope: Option<&str>,
        now: Timestamp,
    ) -> Result<TokenAnswer, Failure> {
        let granted = granted_scopes(session, client);
        let access = &renewal.access;
        let supersede = client.policy_for(session.flags.remember).supersede;
        let claims = AccessClaims {
            issuer: &self.settings.issuer,
            subject: &user.sub,
            audience: &client.audience,
            client_id: &client.id,
            token_id: self.token_id(),
            issued_at: access.issued_at.as_secs(),
            expires_at: access.expires_at.as_secs(),
            scope: Some(scope.unwrap_or(&granted)),
            session: Some(SessionClaims {
                session_id: session.id.to_string(),
                auth_time: session.authenticated_at.as_secs(),
                version: session.version,
                acr: session.acr.as_deref(),
                grant: *access,
                generation: supersede.then_some(session.generation.0),
                remembered: session.flags.remember && client.policy_remembered.is_some(),
                public: &user.claims,
            }),
        };
        let access_token = self
            .signing
            .sign(&claims.to_json())
            .map_err(Failure::unavailable)?;
        let refresh_token = match (renewal.refresh, secret) {
            (Some(refresh), Some(secret)) if refresh.in_body || refresh.set_cookie => Some(
                self.refresh_keys
                    .seal(session.id, refresh.key, refresh.generation, secret)
                    .ok_or_else(|| {
                        Failure::unavailable("a refresh-token key is missing from the master keys")
                    })?,
            ),
            _ => None,
        };
        let (timeout, ends_in) = ends(access, now);
        Ok(TokenAnswer {
            access_token,
            token_type: "Bearer".to_owned(),
            expires_in: access.expires_at.as_secs() - access.issued_at.as_secs(),
            refresh_token,
            scope: None,
            refresh_in: refresh_in(access, &*self.entropy),
            refresh_token_timeout: timeout,
            authorization_expires_in: ends_in,
            server_time: now.as_secs(),
            session: Some(summary(session)),
        })
    }

    pub(crate) fn token_id(&self) -> String {
        URL_SAFE_NO_PAD.encode(draw::<16>(&*self.entropy))
    }
}

/// The scopes that a session was granted, separated by spaces.
pub(crate) fn granted_scopes(session: &Session, client: &Client) -> String {
    session
        .scope
        .as_deref()
        .map_or_else(|| user_scopes(client), str::to_owned)
}

/// The scopes of a client that a user's token carries: machine scopes are for the client itself.
fn user_scopes(client: &Client) -> String {
    let scopes: Vec<&str> = client
        .scopes
        .iter()
        .map(String::as_str)
        .filter(|scope| !scope.starts_with(MACHINE_SCOPE))
        .collect();
    scopes.join(" ")
}

/// How the scopes begin that are for machines, and never in a user's token.
pub(crate) const MACHINE_SCOPE: &str = "prolong:";

/// The session as a token answer tells it.
pub(crate) fn summary(session: &Session) -> SessionSummary {
    SessionSummary {
        id: session.id.to_string(),
        generation: session.generation.0,
        device_name: session.device_name.as_deref().map(str::to_owned),
        started_at: rfc3339(session.started_at),
        last_active_at: rfc3339(session.active_at),
    }
}

/// A point in time as RFC 3339, in UTC.
pub(crate) fn rfc3339(at: Timestamp) -> String {
    jiff::Timestamp::from_millisecond(at.as_millis())
        .map(|at| at.to_string())
        .unwrap_or_default()
}

/// Seconds to the idle deadline and to the absolute end; the first never exceeds the second.
fn ends(access: &AccessGrant, now: Timestamp) -> (Option<i64>, Option<i64>) {
    let seconds = |end: Timestamp| i64::try_from(end.since(now).as_secs()).unwrap_or(i64::MAX);
    let absolute = access.absolute_end.map(seconds);
    let idle = match (access.idle_end.map(seconds), absolute) {
        (Some(idle), Some(absolute)) => Some(idle.min(absolute)),
        (idle, absolute) => idle.or(absolute),
    };
    (idle, absolute)
}

/// The life of the access token × U[0.6, 0.9], and within `renew_every`; fresh randomness each time. Where `renew_every`
/// is what limits, it is jittered too: a thief must fall out of step there as well (decision 0050).
fn refresh_in(access: &AccessGrant, entropy: &dyn Entropy) -> Option<i64> {
    match access.hint {
        RenewalHint::Absent => None,
        RenewalHint::After { life, at_most } => {
            let unit = unit(entropy);
            let drawn = life.mul_f64(0.6 + 0.3 * unit);
            let within = at_most.map_or(Duration::MAX, |most| most.mul_f64((2.0 + unit) / 3.0));
            Some(
                i64::try_from(drawn.min(within).as_secs())
                    .unwrap_or(i64::MAX)
                    .max(1),
            )
        }
    }
}
