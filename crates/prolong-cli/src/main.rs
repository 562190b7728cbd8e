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
mod master_key;
mod out;

use std::process::ExitCode;

use clap::Parser;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let args = args::Args::parse();
    let out = out::Out::new(args.output);
    let runtime = match tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
    {
        Ok(runtime) => runtime,
        Err(error) => {
            return out.failed(&anyhow::Error::new(error).context("cannot start the runtime"));
        }
    };
    match runtime.block_on(commands::run(args, &out)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => out.failed(&error),
    }
}
