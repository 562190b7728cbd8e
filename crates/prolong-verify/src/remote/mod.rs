//! A verifier that fills itself over HTTPS: metadata (RFC 8414), keys, revocation feed.
//!
//! 1. [`Verifier::discover`] succeeds only with metadata, keys and a snapshot of the feed in hand.
//! 2. After that, an authority that is down costs freshness only: known keys and revocations stay.
//! 3. Keys are fetched again every 5 minutes, and where a token names an unknown one, at most once in 30 s
//!    (sooner where the last fetch failed).
//! 4. With a client at the authority, closed routes ask about a token while the feed is stale, and activity is reported.
//! 5. The background work ends with the last [`State`], layers included.

mod error;
mod feed;
mod fetch;
mod introspect;
mod jwks;
mod machine;
mod metadata;
mod report;
mod sse;

use std::{fmt, sync::Arc, time::Duration};

pub use error::DiscoverError;

use crate::{entropy::draw_secret, expected::Expected, state::State, tower::AccessLayer};
use feed::Feed;
use fetch::{Fetch, OnFault};
use introspect::Introspection;
use jwks::KeySource;
use machine::{Credentials, Machine};
use metadata::Metadata;
use report::Reports;

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
    credentials: Option<Credentials>,
    on_fault: Option<OnFault>,
    #[expect(
        clippy::option_option,
        reason = "no reports, reports as they come, reports so often"
    )]
    reports: Option<Option<Duration>>,
}

/// As whom the feed is read.
#[derive(Clone, Copy)]
enum Reader {
    Anyone,
    OurClient,
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
            credentials: None,
            on_fault: None,
            reports: None,
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

    /// The confidential client that this API is to the authority. It reads the feed, where that is not public (scope
    /// `prolong:feed`), and does what [`Builder::client`] does.
    #[must_use]
    pub fn feed_client(mut self, id: impl Into<String>, secret: impl Into<String>) -> Self {
        self.feed = Some(Reader::OurClient);
        self.client(id, secret)
    }

    /// The confidential client that this API is to the authority, where the feed is public or not followed: it asks about
    /// tokens of closed routes while the feed is stale (scope `prolong:introspect`; without it such routes answer 503), and
    /// reports activity.
    #[must_use]
    pub fn client(mut self, id: impl Into<String>, secret: impl Into<String>) -> Self {
        self.credentials = Some(Credentials {
            id: id.into(),
            secret: secret.into(),
        });
        self
    }

    /// Reports every 10 s which sessions were used, for policies with `activity = "request"`. Takes a client with the scope
    /// `prolong:activity`. What is not acknowledged is reported again; a crash of this service loses the last 10 s.
    #[must_use]
    pub const fn report_activity(mut self) -> Self {
        self.reports = Some(None);
        self
    }

    /// The same, as often as this. Mostly for tests.
    #[must_use]
    pub const fn report_activity_every(mut self, every: Duration) -> Self {
        self.reports = Some(Some(every));
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

    /// Called with every fault of what goes on in the background: following the feed, fetching keys, reporting activity. It
    /// is for your log: what is known stays in force meanwhile, and open routes go on serving.
    #[must_use]
    pub fn on_fault(mut self, log: impl Fn(&DiscoverError) + Send + Sync + 'static) -> Self {
        self.on_fault = Some(Arc::new(log));
        self
    }

    /// Fetches what is needed to begin, and keeps it up to date in the background of the current Tokio runtime.
    ///
    /// # Errors
    /// As [`Verifier::discover`].
    pub async fn discover(self) -> Result<Verifier, DiscoverError> {
        let issuer = self.expected.issuer.clone();
        let fetch = Fetch::new(self.client, &issuer, self.fetch_url, self.on_fault)?;
        let metadata = Metadata::fetch(&fetch, &issuer).await?;
        let secret = draw_secret().ok_or(DiscoverError::NoEntropy)?;
        let state = Arc::new(State::new(self.expected, &secret));

        let keys = KeySource::new(fetch.clone(), &metadata.jwks_uri, Arc::downgrade(&state))?;
        keys.fetch().await?;
        if let Some(credentials) = &self.credentials
            && let Some(endpoint) = &metadata.introspection_endpoint
        {
            Introspection::new(fetch.clone(), credentials.clone(), endpoint)?.begin(&state);
        }
        let machine = |scope, what| {
            let credentials = self.credentials.clone();
            let credentials = credentials.ok_or(DiscoverError::NoClient(what))?;
            let endpoint = metadata.token_endpoint.clone();
            let endpoint = endpoint.ok_or(DiscoverError::NoEndpoint("token_endpoint"))?;
            Ok(Machine::new(fetch.clone(), credentials, endpoint, scope))
        };
        if let Some(every) = self.reports {
            let machine = machine("prolong:activity", "reporting activity")?;
            let reports = Reports::new(fetch.clone(), machine, Arc::downgrade(&state));
            state.keep_activity();
            match every {
                Some(every) => reports.every(every),
                None => reports,
            }
            .begin();
        }
        if let Some(reader) = self.feed {
            let reader = match reader {
                Reader::Anyone => None,
                Reader::OurClient => Some(machine("prolong:feed", "reading the feed")?),
            };
            let feed = Feed::new(
                fetch.clone(),
                reader,
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
