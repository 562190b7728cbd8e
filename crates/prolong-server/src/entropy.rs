//! Randomness, as an argument.

/// Where random bytes come from. Only the command line's implementation draws them from the system.
pub trait Entropy: Send + Sync + 'static {
    /// Fills `bytes` with unpredictable bytes. A source that fails ends the process: nothing may go on without it.
    fn fill(&self, bytes: &mut [u8]);
}

/// Draws `N` random bytes.
pub fn draw<const N: usize>(entropy: &dyn Entropy) -> [u8; N] {
    let mut bytes = [0; N];
    entropy.fill(&mut bytes);
    bytes
}

/// Draws a number in `0.0..1.0`.
#[expect(clippy::cast_precision_loss, reason = "53 bits fit")]
pub fn unit(entropy: &dyn Entropy) -> f64 {
    let bits = u64::from_le_bytes(draw::<8>(entropy)) >> 11;
    bits as f64 / (1_u64 << 53) as f64
}
