//! For APIs: verify an access token and follow the revocation feed.
//!
//! [`verify()`] is a pure function of a token, the issuer's [`Keys`], what is [`Expected`], what is [`Revoked`], and the
//! time. [`SeenTokens`] gives the same answers with memory. [`Requirement`] is what one route asks beyond that.
//! [`Follower`] turns what the feed sends into what is revoked, and knows how fresh that is.
//!
//! This links 19 crates without features: no runtime, no HTTP, no sockets. `tower` adds a layer for any tower service,
//! `axum` an extractor for axum's handlers, `http-client` discovery, keys and feed over HTTPS.
#![forbid(unsafe_code)]

#[cfg(feature = "tower")]
mod activity;
mod algorithm;
#[cfg(feature = "axum")]
pub mod axum;
mod base64url;
mod claims;
#[cfg(feature = "tower")]
mod clock;
mod ed25519_order;
#[cfg(feature = "http-client")]
mod entropy;
mod expected;
mod facts;
mod fingerprint;
mod follower;
mod json;
mod jwk;
mod key;
mod keys;
mod marks;
mod numeric_date;
mod plain_json;
mod rejection;
#[cfg(feature = "http-client")]
mod remote;
mod requirement;
mod revoked;
mod seen;
#[cfg(feature = "tower")]
mod state;
mod token;
#[cfg(feature = "tower")]
pub mod tower;
mod uniform_hash;
mod verify;
mod wording;

#[cfg(feature = "tower")]
pub use activity::SessionUsed;
pub use algorithm::Algorithm;
pub use claims::Claims;
pub use expected::{Audience, Expected, SoftExpiry};
pub use follower::{Follower, Need};
pub use jwk::{PublicJwk, PublicKeyBytes};
pub use key::{Key, KeyRefused};
pub use keys::{Keys, KeysRefused, LeftOut, MAX_JWKS_BYTES, WhyLeftOut};
pub use prolong_protocol::problem::{Action, Code, Reason};
pub use rejection::Rejection;
#[cfg(feature = "http-client")]
pub use remote::{Builder, DiscoverError, Verifier};
pub use requirement::{Caller, Requirement};
pub use revoked::{Revoked, UnknownKind};
pub use seen::SeenTokens;
#[cfg(feature = "tower")]
pub use state::{Introspect, Introspected, Refetch, Refetched, State};
pub use token::MAX_TOKEN_BYTES;
#[cfg(feature = "tower")]
pub use tower::{AccessLayer, Staleness};
pub use verify::verify;

/// The service of the README compiles.
#[cfg(all(doctest, feature = "axum", feature = "http-client"))]
#[doc = include_str!("../README.md")]
struct Readme;
