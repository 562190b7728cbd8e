//! Revocation (RFC 7009): whoever holds a session's token may end the session.

use prolong_core::{EndReason, SessionId, over};
use prolong_protocol::problem::Code;

use super::{Authority, ClientProof};
use crate::http::problem::Failure;
use crate::keys::secret_hash;

/// Why a token was not revoked. A token that is no good needs no revocation, and is no error.
#[derive(Debug)]
pub(crate) enum NotRevoked {
    /// It is another client's.
    ForeignClient,
    /// A machine's token: it dies with its short life.
    UnsupportedTokenType,
    /// The authority could not say.
    Failed(Failure),
}

impl From<Failure> for NotRevoked {
    fn from(failure: Failure) -> Self {
        Self::Failed(failure)
    }
}

impl Authority {
    /// Ends the session of a refresh token or an access token, whichever it is.
    ///
    /// # Errors
    /// [`NotRevoked`].
    pub(crate) async fn revoke(&self, token: &str, by: &ClientProof) -> Result<(), NotRevoked> {
        let now = self.decisive_now()?;
        let (id, secret) = match self.opened(token) {
            Some(opened) => (
                opened.session,
                Some(secret_hash(opened.session, &opened.secret)),
            ),
            None => match self.authentic_claims(token, now) {
                Ok(claims) => match claims.session_id().and_then(SessionId::parse) {
                    // An expired token may not have consequences.
                    Some(_) if claims.expired() => return Ok(()),
                    Some(id) => (id, None),
                    None => return Err(NotRevoked::UnsupportedTokenType),
                },
                Err(_) => return Ok(()),
            },
        };
        let Some(found) = self.store.session(id).await.map_err(Failure::unavailable)? else {
            return Ok(());
        };
        if secret.is_some_and(|secret| secret != found.session.secret) {
            return Ok(());
        }
        let Some(client) = self.client(&found.session.client) else {
            return Ok(());
        };
        if !by.speaks_for(client) {
            return Err(NotRevoked::ForeignClient);
        }
        let policy = client.policy_for(found.session.flags.remember);
        if over(&found.session, &found.user.standing, now, policy).is_some() {
            return Ok(());
        }
        match self
            .end_session(id, None, EndReason::SignedOut, "user")
            .await
        {
            Err(failure) if failure.code != Code::NotFound => Err(failure.into()),
            _ => Ok(()),
        }
    }
}
