//! `completions`, `man`.

use clap::CommandFactory;

use crate::args::Args;
use crate::out::Out;

#[expect(clippy::unnecessary_wraps, reason = "every command has the same shape")]
pub(super) fn completions(shell: clap_complete::Shell, out: Out) -> anyhow::Result<()> {
    let mut text = Vec::new();
    clap_complete::generate(shell, &mut Args::command(), "prolong", &mut text);
    out.bytes(&text);
    Ok(())
}

pub(super) fn man(out: Out) -> anyhow::Result<()> {
    let mut text = Vec::new();
    clap_mangen::Man::new(Args::command()).render(&mut text)?;
    out.bytes(&text);
    Ok(())
}
