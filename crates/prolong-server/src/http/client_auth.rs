//! Who the client is (RFC 6749 §2.3): HTTP Basic or form parameters; a secret is compared as SHA-256, in constant time.

use std::sync::Arc;

use aws_lc_rs::constant_time::verify_slices_are_equal;
use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::{HeaderMap, header};

use super::body::{Form, decoded};
use super::oauth::OAuthFailure;
use crate::authority::{Authority, ClientProof};
use crate::settings::ClientKind;

/// What a request says and proves about its client.
///
/// # Errors
/// `invalid_client` for an unknown client or a wrong or missing secret; `invalid_request` for two ways at once.
pub(crate) fn client_proof(
    authority: &Authority,
    headers: &HeaderMap,
    form: &Form,
) -> Result<ClientProof, OAuthFailure> {
    let basic = basic(headers)?;
    let (id, secret) = match (&basic, form.get("client_id"), form.get("client_secret")) {
        (Some(_), _, Some(_)) => {
            return Err(OAuthFailure::invalid_request(
                "the client must authenticate in one way",
            ));
        }
        (Some((id, _)), Some(other), None) if id != other => {
            return Err(OAuthFailure::invalid_request(
                "client_id differs from the Authorization header",
            ));
        }
        (Some((id, secret)), _, None) => (
            id.as_str(),
            Some(secret.as_str()).filter(|secret| !secret.is_empty()),
        ),
        (None, Some(id), secret) => (id, secret),
        (None, None, Some(_)) => {
            return Err(OAuthFailure::invalid_request(
                "client_secret came without client_id",
            ));
        }
        (None, None, None) => return Ok(ClientProof::Unnamed),
    };
    let presented = digest(&SHA256, secret.unwrap_or_default().as_bytes());
    let Some(client) = authority.client(id) else {
        return Err(OAuthFailure::invalid_client());
    };
    match (&client.kind, secret) {
        (ClientKind::Public, None) => Ok(ClientProof::Named(Arc::clone(client))),
        (ClientKind::Confidential { secret_hashes }, Some(_)) => {
            let good = secret_hashes.iter().fold(false, |good, hash| {
                verify_slices_are_equal(presented.as_ref(), hash).is_ok() | good
            });
            if good {
                Ok(ClientProof::Proved(Arc::clone(client)))
            } else {
                Err(OAuthFailure::invalid_client())
            }
        }
        _ => Err(OAuthFailure::invalid_client()),
    }
}

/// The id and secret of HTTP Basic, each form-encoded within (RFC 6749 §2.3.1). Other schemes are not ours.
fn basic(headers: &HeaderMap) -> Result<Option<(String, String)>, OAuthFailure> {
    let mut all = headers.get_all(header::AUTHORIZATION).iter();
    let Some(value) = all.next() else {
        return Ok(None);
    };
    if all.next().is_some() {
        return Err(OAuthFailure::invalid_request(
            "there must be one Authorization header",
        ));
    }
    let Some((scheme, encoded)) = value.to_str().ok().and_then(|value| value.split_once(' '))
    else {
        return Ok(None);
    };
    if !scheme.eq_ignore_ascii_case("basic") {
        return Ok(None);
    }
    let pair = STANDARD
        .decode(encoded.trim())
        .ok()
        .and_then(|bytes| String::from_utf8(bytes).ok());
    let read = pair
        .as_deref()
        .and_then(|pair| pair.split_once(':'))
        .and_then(|(id, secret)| Some((decoded(id.as_bytes())?, decoded(secret.as_bytes())?)));
    read.map(Some).ok_or_else(OAuthFailure::invalid_client)
}
