//! What signing in and ending take from the rooms of tokens, keys and the feed, in one place.

use std::sync::Arc;

use prolong_core::{EndReason, FeedEntry, KeyId, Renewal, SecretHash, Session, SessionId, Timestamp};
use prolong_protocol::problem::Code;
use prolong_protocol::token::TokenAnswer;
use prolong_store::{Committed, NotCommitted, Transaction, User};

use super::Authority;
use crate::http::problem::Failure;
use crate::settings::Client;

pub(crate) use stand_in::{SessionSecret, user_key};

impl Authority {
    /// The time, if it can be trusted: else nothing is decided.
    pub(crate) fn decisive_now(&self) -> Result<Timestamp, Failure> {
        self.clock.trusted_now().map_err(Failure::unavailable)
    }

    /// Commits, and lets the feed's readers know.
    pub(crate) async fn commit_and_tell(&self, transaction: Transaction) -> Result<Committed, NotCommitted> {
        self.store.commit(transaction).await
    }

    /// The client of a session that goes on.
    pub(crate) fn client_of(&self, session: &Session) -> Result<&Arc<Client>, Failure> {
        let gone = || Failure::new(Code::InvalidToken, "the client of this session is registered no more");
        self.client(&session.client).ok_or_else(gone)
    }
}

/// Stand-ins until the rooms of tokens, keys and the feed are joined.
mod stand_in {
    use super::{
        Authority, Client, EndReason, Failure, FeedEntry, KeyId, Renewal, SecretHash, Session, SessionId, Timestamp,
        TokenAnswer, User,
    };
    use crate::entropy::draw;
    use aws_lc_rs::digest::{SHA256, digest};
    use prolong_core::{FeedKind, UserKey};

    /// The session secret.
    pub(crate) struct SessionSecret([u8; 16]);

    /// A user's key: the first 16 bytes of SHA-256 over the `sub`.
    pub(crate) fn user_key(sub: &str) -> UserKey {
        let hash = digest(&SHA256, sub.as_bytes());
        let mut key = [0; 16];
        key.copy_from_slice(&hash.as_ref()[..16]);
        UserKey(key)
    }

    impl Authority {
        pub(crate) fn new_session_secret(&self, id: SessionId) -> (SessionSecret, SecretHash) {
            let secret = SessionSecret(draw(&*self.entropy));
            let text = [&b"prolong/s/v1"[..], &id.0, &secret.0].concat();
            let mut hash = [0; 32];
            hash.copy_from_slice(digest(&SHA256, &text).as_ref());
            (secret, SecretHash(hash))
        }

        pub(crate) fn newest_refresh_key(&self) -> KeyId {
            let _ = &self.refresh_keys;
            KeyId(0)
        }

        pub(crate) fn session_ended(&self, id: SessionId, reason: EndReason) -> FeedEntry {
            let _ = &self.feed;
            FeedEntry { kind: FeedKind::SessionEnded, key: first(&id.0), arg: reason.number().into(), until: i64::MAX }
        }

        pub(crate) fn version_raised(&self, sub: &str, version: u64) -> FeedEntry {
            let _ = &self.feed;
            FeedEntry { kind: FeedKind::UserEpoch, key: first(sub.as_bytes()), arg: version, until: i64::MAX }
        }

        pub(crate) fn token_answer(
            &self,
            session: &Session,
            user: &User,
            client: &Client,
            renewal: &Renewal,
            secret: Option<&SessionSecret>,
            now: Timestamp,
        ) -> Result<TokenAnswer, Failure> {
            let _ = (&self.signing, session, user, client, renewal, secret, now);
            Err(Failure::unavailable("tokens cannot be minted yet"))
        }
    }

    fn first(name: &[u8]) -> [u8; 8] {
        let mut key = [0; 8];
        key.copy_from_slice(&digest(&SHA256, name).as_ref()[..8]);
        key
    }
}
