//! The issuer's metadata (RFC 8414): where its keys are.

use serde::Deserialize;

use super::{error::DiscoverError, fetch::Fetch};

const MAX_METADATA_BYTES: usize = 64 * 1024;

#[derive(Deserialize)]
pub(super) struct Metadata {
    issuer: String,
    pub(super) jwks_uri: String,
    #[serde(default)]
    pub(super) token_endpoint: Option<String>,
    #[serde(default)]
    pub(super) introspection_endpoint: Option<String>,
}

impl Metadata {
    /// The `issuer` in the answer must be the expected one, byte for byte (RFC 8414 §3.3).
    pub(super) async fn fetch(fetch: &Fetch, issuer: &str) -> Result<Self, DiscoverError> {
        let url = fetch.metadata_url()?;
        let name = url.to_string();
        let body = fetch
            .body(fetch.get(url), &name, MAX_METADATA_BYTES)
            .await?;
        let metadata: Self =
            serde_json::from_slice(&body).map_err(|_| DiscoverError::BadAnswer(name))?;
        if metadata.issuer == issuer {
            Ok(metadata)
        } else {
            Err(DiscoverError::WrongIssuer {
                expected: issuer.to_owned(),
                found: metadata.issuer,
            })
        }
    }
}
