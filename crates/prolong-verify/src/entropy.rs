//! The secret of the memory of seen tokens, for those who did not bring their own.

/// 32 random bytes; `None` if the system has none to give.
#[expect(
    clippy::disallowed_methods,
    reason = "a service that discovers its issuer has no entropy of ours to pass in; whoever makes a `State` passes a secret"
)]
pub(crate) fn draw_secret() -> Option<[u8; 32]> {
    let mut secret = [0; 32];
    aws_lc_rs::rand::fill(&mut secret).ok()?;
    Some(secret)
}
