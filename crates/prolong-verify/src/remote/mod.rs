//! A verifier that fills itself over HTTPS: metadata (RFC 8414), keys, revocation feed.
//!
//! 1. [`Verifier::discover`] succeeds only with metadata, keys and a snapshot of the feed in hand.
//! 2. After that, an authority that is down costs freshness only: known keys and revocations stay.
//! 3. Keys are fetched again every 5 minutes, and where a token names an unknown one, at most once in 30 s.
//! 4. The background work ends with the last [`State`], layers included.

mod error;
mod feed;
mod fetch;
mod jwks;
mod metadata;
mod sse;

use std::{fmt, sync::Arc};

pub use error::DiscoverError;

use crate::{entropy::draw_secret, expected::Expected, state::State, tower::AccessLayer};
use feed::{Feed, Reader};
use fetch::Fetch;
use jwks::KeySource;
use metadata::Metadata;

/// A verifier of one issuer's tokens. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Verifier {
    state: Arc<State>,
}

/// What [`Verifier::discover`] needs to know; see [`Verifier::builder`].
#[derive(Clone)]
pub struct Builder {
    expected: Expected,
    fetch_url: Option<String>,
    client: Option<reqwest::Client>,
    feed: Option<Reader>,
}

impl Verifier {
    /// Tokens of `issuer` for `audience`. Needs a feed that is public; otherwise use [`Verifier::builder`].
    ///
    /// # Errors
    /// [`DiscoverError`]: the issuer is unreachable, is not who it should be, or gives no keys or feed.
    pub async fn discover(
        issuer: impl Into<String>,
        audience: impl Into<String>,
    ) -> Result<Self, DiscoverError> {
        Self::builder(Expected::new(issuer, audience))
            .discover()
            .await
    }

    /// With more to say than [`Verifier::discover`].
    #[must_use]
    pub const fn builder(expected: Expected) -> Builder {
        Builder {
            expected,
            fetch_url: None,
            client: None,
            feed: Some(Reader::Anyone),
        }
    }

    /// A layer that lets requests through only with a good token.
    #[must_use]
    pub fn layer(&self) -> AccessLayer {
        AccessLayer::new(Arc::clone(&self.state))
    }

    /// What the verifier knows.
    #[must_use]
    pub const fn state(&self) -> &Arc<State> {
        &self.state
    }
}

impl Builder {
    /// Where to fetch from, if that is not the issuer's own URL: an inner network's address, which may be plain HTTP.
    /// Addresses in the metadata that begin with the issuer are fetched from here too.
    #[must_use]
    pub fn fetch_url(mut self, url: impl Into<String>) -> Self {
        self.fetch_url = Some(url.into().trim_end_matches('/').to_owned());
        self
    }

    /// The client that reads the feed (scope `prolong:feed`), where the feed is not public.
    #[must_use]
    pub fn feed_client(mut self, id: impl Into<String>, secret: impl Into<String>) -> Self {
        self.feed = Some(Reader::Client {
            id: id.into(),
            secret: secret.into(),
        });
        self
    }

    /// Follows no feed, for issuers that have none: an ended session is served until its token expires, and the
    /// verifier counts as stale for ever.
    #[must_use]
    pub fn without_feed(mut self) -> Self {
        self.feed = None;
        self
    }

    /// An HTTP client with its own trust anchors or proxy. It should not follow redirects.
    #[must_use]
    pub fn http_client(mut self, client: reqwest::Client) -> Self {
        self.client = Some(client);
        self
    }

    /// Fetches what is needed to begin, and keeps it up to date in the background of the current Tokio runtime.
    ///
    /// # Errors
    /// As [`Verifier::discover`].
    pub async fn discover(self) -> Result<Verifier, DiscoverError> {
        let issuer = self.expected.issuer.clone();
        let fetch = Fetch::new(self.client, &issuer, self.fetch_url)?;
        let metadata = Metadata::fetch(&fetch, &issuer).await?;
        let secret = draw_secret().ok_or(DiscoverError::NoEntropy)?;
        let state = Arc::new(State::new(self.expected, &secret));

        let keys = KeySource::new(fetch.clone(), &metadata.jwks_uri, Arc::downgrade(&state))?;
        keys.fetch().await?;
        if let Some(reader) = self.feed {
            let feed = Feed::new(
                fetch,
                reader,
                metadata.token_endpoint,
                Arc::clone(&keys),
                Arc::downgrade(&state),
            );
            feed.begin().await?;
        }
        keys.keep_fresh(&state);
        Ok(Verifier { state })
    }
}

impl fmt::Debug for Builder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Builder")
            .field("expected", &self.expected)
            .field("fetch_url", &self.fetch_url)
            .finish_non_exhaustive()
    }
}
