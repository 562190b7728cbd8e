//! What goes over the wire: claims, requests, responses, problem codes, feed frames. Types and words only; no rules.
#![forbid(unsafe_code)]

pub mod feed;
pub mod generated;
pub mod problem;
pub mod session;
pub mod token;
