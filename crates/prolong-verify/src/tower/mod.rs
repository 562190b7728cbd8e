//! A layer that lets a request through only with a good access token.
//!
//! A request reaches the service if all of these hold:
//!
//! 1. It has exactly one `Authorization` field, of scheme `Bearer` in any case, with one `b64token` (RFC 6750 §2.1).
//!    A token in the query is never used, and refused beside the field (RFC 6750 §2). On an [`AccessLayer::optional`]
//!    route, a request without bearer credentials passes too, and carries no claims.
//! 2. The token is good by [`crate::verify()`]. If its `kid` is unknown, the issuer is asked once for its keys.
//! 3. The route's [`crate::Requirement`] holds; by default, it is a user's token and no machine's.
//! 4. The revocations are at most 5 s old, or the route's [`Staleness`] lets it pass; a closed route asks the authority.
//!
//! A request that reaches the service counts as activity of its session ([`crate::State::keep_activity`]), unless it or
//! its route is marked as background. The service finds the [`crate::Claims`] in the request's extensions. Where the soft
//! expiry is a hint and has passed, the answer carries `Prolong-Renew: due`. A refused request gets a problem document
//! (RFC 9457), `Cache-Control: no-store`, and with every 400, 401 or 403 a challenge (RFC 6750 §3, RFC 9470
//! §3) whose `code`, `action` and `reason` say what the client should do. What cannot be decided is 503 with
//! `Retry-After`, never 401: a 401 signs people out.
//!
//! # Deployment caveat
//!
//! The layer trusts the `Authorization` field as it arrives: a proxy that replaces or drops it decides who the caller
//! is. Preflight requests carry no credentials, so a CORS layer belongs outside of this one. Times are compared with
//! this machine's clock: run NTP, since a clock that is 5 s ahead of the authority's makes every answer look stale.

mod credentials;
mod future;
mod layer;
mod response;
mod service;

pub(crate) use credentials::Token;
pub use future::AccessFuture;
pub use layer::{AccessLayer, Staleness};
pub use service::Access;
