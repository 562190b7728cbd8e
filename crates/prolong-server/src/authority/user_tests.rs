//! What signing in, ending and changing users come to.

mod ending;
mod signing_in;
mod tickets;
mod traces;

use prolong_core::PolicyDraft;
use prolong_protocol::problem::Code;

use crate::http::problem::Failure;
use crate::world::{World, world};

const PASSWORD: &str = "correct horse";

async fn plain() -> World {
    world(PolicyDraft::default()).await
}

fn code<T>(result: Result<T, Failure>) -> Option<Code> {
    result.err().map(|failure| failure.code)
}
