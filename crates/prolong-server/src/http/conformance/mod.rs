//! The checklists of the RFCs over the router, one test for each line, named by its id: `tok_1_…` holds TOK-1.
//! The lines stand in `tests/conformance.rs`, which fails where one has neither a test nor a reason.

mod atj;
mod bea;
mod cke;
mod exp;
mod int;
mod jwk;
mod met;
mod prb;
mod rev;
mod rfr;
mod stories;
mod stp;
mod tok;

/// An attempt id as a client sends it.
const ATTEMPT: &str = "&attempt_id=AAECAwQFBgcICQoLDA0ODw";
