//! On the network: listener, limits, metrics, health, background work, and the operator's door.

mod background;
mod guard;
mod listener;
mod metrics;
mod operations;
mod operator;
mod pace;
#[cfg(test)]
mod patience_tests;
mod writer_metrics;
// The page is one more thing that operators look at, so it is served together with `/readyz`.
#[path = "../http/pages/mod.rs"]
mod pages;
mod rooms;
mod seats;

pub use background::{CLOCK_HIGH_WATER, run_background};
pub use listener::{Listening, serve};
pub use metrics::Metrics;
pub use operations::routes;
pub use operator::{OPERATOR, operator_client, operator_router};
pub use rooms::public_router;
pub use tokio_rustls::{TlsAcceptor, rustls};
