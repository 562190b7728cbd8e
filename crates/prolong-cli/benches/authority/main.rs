//! The real server, in a process of its own, measured from outside: one command each, yardsticks in the same run.
//!
//! ```text
//! cargo bench -p prolong-cli --bench authority -- refresh       # durable refreshes through HTTP
//! cargo bench -p prolong-cli --bench authority -- forward-auth  # /v1/verify beside a bare axum
//! cargo bench -p prolong-cli --bench authority -- start         # start-up, memory, file size
//! cargo bench -p prolong-cli --bench authority -- endurance     # a long run beside a short one
//! ```
//!
//! Options, each with a value: `--sessions`, `--seconds`, `--clients 1,16,64`, `--algorithms ES256,EdDSA`,
//! `--server PATH` (another build to compare with).
#![expect(
    clippy::print_stdout,
    clippy::unwrap_used,
    clippy::panic,
    clippy::cast_precision_loss,
    reason = "a bench prints, and stops at a failure"
)]

#[path = "../../../prolong-store/benches/yardstick/bare.rs"]
mod bare;
mod endurance;
mod forward_auth;
mod house;
mod http;
mod load;
mod options;
mod refresh;
mod start;
mod yardstick;

use options::Options;

fn main() {
    let options = Options::parse(std::env::args().skip(1));
    match options.what.as_str() {
        "refresh" => refresh::run(&options),
        "forward-auth" => forward_auth::run(&options),
        "start" => start::run(&options),
        "endurance" => endurance::run(&options),
        _ => println!("name a bench after `--`: refresh, forward-auth, start, endurance"),
    }
}
