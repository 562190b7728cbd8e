//! The API's own client at the authority: tokens by `client_credentials` (RFC 6749 §4.4), one for each purpose.

use serde::Deserialize;

use super::{error::DiscoverError, fetch::Fetch};

const MAX_TOKEN_ANSWER_BYTES: usize = 64 * 1024;

/// Who this API is to the authority.
#[derive(Clone)]
pub(super) struct Credentials {
    pub(super) id: String,
    pub(super) secret: String,
}

impl Credentials {
    /// RFC 6749 §2.3.1: id and secret are form-encoded before Basic.
    pub(super) fn put_on(&self, request: reqwest::RequestBuilder) -> reqwest::RequestBuilder {
        request.basic_auth(form_encoded(&self.id), Some(form_encoded(&self.secret)))
    }
}

/// A token of that client for one scope, fetched when there is none.
pub(super) struct Machine {
    fetch: Fetch,
    credentials: Credentials,
    token_endpoint: String,
    scope: &'static str,
    token: Option<String>,
}

#[derive(Deserialize)]
struct Granted {
    access_token: String,
}

impl Machine {
    pub(super) const fn new(
        fetch: Fetch,
        credentials: Credentials,
        token_endpoint: String,
        scope: &'static str,
    ) -> Self {
        Self {
            fetch,
            credentials,
            token_endpoint,
            scope,
            token: None,
        }
    }

    pub(super) async fn token(&mut self) -> Result<&str, DiscoverError> {
        let token = match self.token.take() {
            Some(token) => token,
            None => self.granted().await?,
        };
        Ok(self.token.insert(token))
    }

    /// The token was refused: the next one is fetched anew.
    pub(super) fn forget(&mut self) {
        self.token = None;
    }

    async fn granted(&self) -> Result<String, DiscoverError> {
        let url = self.fetch.resolve(&self.token_endpoint)?;
        let name = url.to_string();
        let form = [("grant_type", "client_credentials"), ("scope", self.scope)];
        let request = self.credentials.put_on(self.fetch.post(url)).form(&form);
        let body = self
            .fetch
            .body(request, &name, MAX_TOKEN_ANSWER_BYTES)
            .await?;
        let granted: Granted =
            serde_json::from_slice(&body).map_err(|_| DiscoverError::BadAnswer(name))?;
        Ok(granted.access_token)
    }
}

fn form_encoded(text: &str) -> String {
    let encoded = reqwest::Url::parse_with_params("http://x/", [("", text)])
        .ok()
        .and_then(|url| Some(url.query()?.strip_prefix('=')?.to_owned()));
    encoded.unwrap_or_else(|| text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn basic_credentials_are_form_encoded() {
        assert_eq!(form_encoded("a b+c:=/%"), "a+b%2Bc%3A%3D%2F%25");
        assert_eq!(form_encoded("=x"), "%3Dx");
    }
}
