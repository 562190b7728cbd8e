//! Minting: what other operations need of the keys.

use std::sync::Arc;

use prolong_core::{Renewal, SecretHash, Session, SessionId, Timestamp};
use prolong_protocol::token::TokenAnswer;
use prolong_store::User;
use prolong_verify::Keys;

use super::Authority;
use crate::http::problem::Failure;
use crate::keys::{OpenedRefreshToken, SessionSecret, secret_hash};
use crate::settings::Client;

impl Authority {
    /// The tokens of a renewal, with every scope that the session was granted.
    ///
    /// # Errors
    /// `UNAVAILABLE` where a key is missing that should be there.
    pub(crate) fn token_answer(
        &self,
        session: &Session,
        user: &User,
        client: &Client,
        renewal: &Renewal,
        secret: Option<&SessionSecret>,
        now: Timestamp,
    ) -> Result<TokenAnswer, Failure> {
        self.token_answer_with_scope((session, user, client), renewal, secret, None, now)
    }

    /// A fresh session secret, and what is stored of it.
    pub(crate) fn new_session_secret(&self, id: SessionId) -> (SessionSecret, SecretHash) {
        let secret = SessionSecret::draw(&*self.entropy);
        let hash = secret_hash(id, &secret);
        (secret, hash)
    }

    /// What an authentic refresh token says. Costs no query.
    pub(crate) fn opened(&self, refresh_token: &str) -> Option<OpenedRefreshToken> {
        self.refresh_keys.open(refresh_token)
    }

    /// The published keys.
    pub(crate) fn verification_keys(&self) -> Arc<Keys> {
        self.signing.verification_keys()
    }
}
