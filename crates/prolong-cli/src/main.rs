//! The `prolong` command: the only place that reads arguments, the environment, the system's clock and its entropy.
#![forbid(unsafe_code)]

mod args;
mod clock;
mod commands;
mod config;
mod demo;
mod door;
mod entropy;
mod house;
mod making;
mod master_key;
mod out;
mod supervisor;
mod tls;

use std::process::ExitCode;
use std::time::Duration;

use clap::Parser;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Longer than the background rests, so that one thread for what blocks is always there. Without any, where the system
/// has none to give, whoever needs one would panic instead of waiting for it.
const SPARE_THREAD: Duration = Duration::from_mins(2);

fn main() -> ExitCode {
    let args = match args::Args::try_parse() {
        Ok(args) => args,
        Err(error) => return out::usage(&error),
    };
    let out = out::Out::new(args.output);
    let runtime = match tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .thread_keep_alive(SPARE_THREAD)
        .build()
    {
        Ok(runtime) => runtime,
        Err(error) => {
            return out.failed(&anyhow::Error::new(error).context("cannot start the runtime"));
        }
    };
    let done = runtime.block_on(commands::run(args, out));
    // A backup under way, say, must not hold up the end of a server that was told to stop.
    runtime.shutdown_timeout(Duration::from_secs(1));
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => out.failed(&error),
    }
}
