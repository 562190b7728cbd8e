//! Tokens for machines: `client_credentials`, for machine scopes alone.

use std::time::Duration;

use prolong_protocol::token::TokenAnswer;

use super::Authority;
use crate::http::problem::Failure;
use crate::settings::Client;
use crate::token::AccessClaims;

/// What a machine may be allowed.
pub const MACHINE_SCOPES: &[&str] = &[
    "prolong:admin",
    "prolong:sign-in",
    "prolong:support",
    "prolong:feed",
    "prolong:introspect",
    "prolong:activity",
];

/// The life of a machine's token.
pub(super) const LIFE: Duration = Duration::from_mins(15);

/// Why a machine gets no token.
#[derive(Debug)]
pub(crate) enum MachineTokenRefused {
    /// It asked for a scope that the configuration does not list for it, or none is listed.
    InvalidScope,
    /// The authority cannot mint now.
    Failed(Failure),
}

impl Authority {
    /// A token for a confidential client that proved itself; without `wanted`, for all of its machine scopes.
    ///
    /// # Errors
    /// [`MachineTokenRefused`].
    pub(crate) fn machine_token(
        &self,
        client: &Client,
        wanted: Option<&str>,
    ) -> Result<TokenAnswer, MachineTokenRefused> {
        let allowed: Vec<&str> = client
            .scopes
            .iter()
            .map(String::as_str)
            .filter(|scope| MACHINE_SCOPES.contains(scope))
            .collect();
        let granted = match wanted {
            Some(wanted) => wanted
                .split(' ')
                .filter(|scope| !scope.is_empty())
                .collect(),
            None => allowed.clone(),
        };
        if granted.is_empty() || !granted.iter().all(|scope| allowed.contains(scope)) {
            return Err(MachineTokenRefused::InvalidScope);
        }
        let now = self.decisive_now().map_err(MachineTokenRefused::Failed)?;
        let scope = granted.join(" ");
        let audience = [self.settings.issuer.clone()];
        let (issued_at, expires_at) = (now.as_secs(), now.plus(LIFE).as_secs());
        let claims = AccessClaims {
            issuer: &self.settings.issuer,
            subject: &client.id,
            audience: &audience,
            client_id: &client.id,
            token_id: self.token_id(),
            issued_at,
            expires_at,
            scope: Some(&scope),
            session: None,
        };
        let access_token = self
            .signing
            .sign(&claims.to_json())
            .map_err(|fault| MachineTokenRefused::Failed(Failure::unavailable(fault)))?;
        Ok(TokenAnswer {
            access_token,
            token_type: "Bearer".to_owned(),
            expires_in: expires_at - issued_at,
            refresh_token: None,
            scope: wanted.is_none().then_some(scope),
            refresh_in: None,
            refresh_token_timeout: None,
            authorization_expires_in: None,
            server_time: issued_at,
            session: None,
        })
    }
}
