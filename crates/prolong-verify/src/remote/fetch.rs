//! Bounded requests to the issuer: time, size, no redirects, and no plain HTTP but where it was asked for.

use std::{sync::Arc, time::Duration};

use reqwest::{Client, RequestBuilder, Response, Url, redirect::Policy};

use super::error::DiscoverError;

const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);
const TIMEOUT: Duration = Duration::from_secs(5);

/// Who is told of faults that nobody waits for.
pub(super) type OnFault = Arc<dyn Fn(&DiscoverError) + Send + Sync>;

#[derive(Clone)]
pub(super) struct Fetch {
    client: Client,
    issuer: String,
    base: Option<String>,
    on_fault: Option<OnFault>,
}

impl Fetch {
    pub(super) fn new(
        client: Option<Client>,
        issuer: &str,
        base: Option<String>,
        on_fault: Option<OnFault>,
    ) -> Result<Self, DiscoverError> {
        let client = match client {
            Some(client) => client,
            None => Client::builder()
                .redirect(Policy::none())
                .connect_timeout(CONNECT_TIMEOUT)
                .build()
                .map_err(|cause| DiscoverError::Unreachable(issuer.to_owned(), cause))?,
        };
        Ok(Self {
            client,
            issuer: issuer.trim_end_matches('/').to_owned(),
            base,
            on_fault,
        })
    }

    /// Tells of a fault in the background.
    pub(super) fn tell(&self, fault: &DiscoverError) {
        if let Some(on_fault) = &self.on_fault {
            on_fault(fault);
        }
    }

    /// The metadata's address: the well-known path goes between host and path (RFC 8414 §3.1).
    pub(super) fn metadata_url(&self) -> Result<Url, DiscoverError> {
        let mut url = self.resolve(&self.issuer)?;
        let path = url.path().trim_end_matches('/').to_owned();
        url.set_path(&format!("/.well-known/oauth-authorization-server{path}"));
        Ok(url)
    }

    /// An address of Prolong's own, below the issuer.
    pub(super) fn own_url(&self, path: &str) -> Result<Url, DiscoverError> {
        self.resolve(&format!("{}{path}", self.issuer))
    }

    /// Where an address is fetched from.
    pub(super) fn resolve(&self, address: &str) -> Result<Url, DiscoverError> {
        let bad = || DiscoverError::BadUrl(address.to_owned());
        let below = address
            .strip_prefix(&self.issuer)
            .filter(|rest| rest.is_empty() || rest.starts_with('/'));
        if let (Some(base), Some(rest)) = (&self.base, below) {
            let url = Url::parse(&format!("{base}{rest}")).map_err(|_| bad())?;
            return if matches!(url.scheme(), "http" | "https") {
                Ok(url)
            } else {
                Err(bad())
            };
        }
        let url = Url::parse(address).map_err(|_| bad())?;
        let loopback = matches!(url.host_str(), Some("127.0.0.1" | "[::1]" | "localhost"));
        match url.scheme() {
            "https" => Ok(url),
            "http" if loopback => Ok(url),
            _ => Err(bad()),
        }
    }

    pub(super) fn get(&self, url: Url) -> RequestBuilder {
        self.client.get(url)
    }

    pub(super) fn post(&self, url: Url) -> RequestBuilder {
        self.client.post(url)
    }

    /// The body of a 200 answer, of at most `limit` bytes.
    pub(super) async fn body(
        &self,
        request: RequestBuilder,
        url: &str,
        limit: usize,
    ) -> Result<Vec<u8>, DiscoverError> {
        let mut response = accept(request.timeout(TIMEOUT), url).await?;
        let mut body = Vec::new();
        while let Some(chunk) = response
            .chunk()
            .await
            .map_err(|cause| unreachable(url, cause))?
        {
            if body.len() + chunk.len() > limit {
                return Err(DiscoverError::BadAnswer(url.to_owned()));
            }
            body.extend_from_slice(&chunk);
        }
        Ok(body)
    }
}

/// Sends; anything but 200 is an error.
pub(super) async fn accept(request: RequestBuilder, url: &str) -> Result<Response, DiscoverError> {
    let response = request
        .send()
        .await
        .map_err(|cause| unreachable(url, cause))?;
    match response.status().as_u16() {
        200 => Ok(response),
        status => Err(DiscoverError::Status(url.to_owned(), status)),
    }
}

pub(super) fn unreachable(url: &str, cause: reqwest::Error) -> DiscoverError {
    DiscoverError::Unreachable(url.to_owned(), cause.without_url())
}
