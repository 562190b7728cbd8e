//! Who may read the feed.
//!
//! 1. A machine with the scope `prolong:feed`; it is asked again with each heartbeat, so that a stream does not outlive
//!    the token that it was opened with, nor that token's key.
//! 2. Anybody, where the configuration says `feed_public`, as long as every user's id was drawn here: the feed holds
//!    salted hashes and says the salt, so ids that can be guessed can be recognised in it.

use std::sync::Arc;

use http::request::Parts;
use prolong_protocol::problem::Code;

use crate::Authority;
use crate::http::bearer::bearer;
use crate::http::problem::Failure;

const FEED: &str = "prolong:feed";

/// Somebody who may read.
pub(super) struct Reader {
    authority: Arc<Authority>,
    /// `None`: as anybody.
    token: Option<String>,
}

impl Reader {
    /// # Errors
    /// `MISSING_TOKEN`, `EXPIRED_TOKEN`, `INVALID_TOKEN`, `INSUFFICIENT_SCOPE`.
    pub(super) fn admit(authority: &Arc<Authority>, parts: &Parts) -> Result<Self, Failure> {
        let token = bearer(&parts.headers, &parts.uri)?.map(str::to_owned);
        let reader = Self {
            authority: Arc::clone(authority),
            token,
        };
        if reader.open_to_anybody() {
            return Ok(Self {
                token: None,
                ..reader
            });
        }
        match authority.authenticate_machine(reader.token.as_deref(), &[FEED]) {
            Ok(_) => Ok(reader),
            Err(failure)
                if failure.code == Code::MissingToken && authority.settings.feed_public =>
            {
                Err(Failure::new(Code::MissingToken, NOT_PUBLIC))
            }
            Err(failure) => Err(failure),
        }
    }

    /// Whether it still may.
    pub(super) fn still_may(&self) -> bool {
        match &self.token {
            None => self.open_to_anybody(),
            Some(token) => self
                .authority
                .authenticate_machine(Some(token), &[FEED])
                .is_ok(),
        }
    }

    fn open_to_anybody(&self) -> bool {
        self.authority.settings.feed_public && !self.authority.outside_ids.exist()
    }
}

const NOT_PUBLIC: &str = "the feed is configured as public, but some users have ids that were brought from outside and \
                          could be guessed: send a token with the scope prolong:feed";
