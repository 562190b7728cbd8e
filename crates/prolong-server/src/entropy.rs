//! Randomness, as an argument.

use std::sync::atomic::{AtomicU64, Ordering};

/// Where random bytes come from. Only the command line's implementation draws them from the system.
pub trait Entropy: Send + Sync + 'static {
    /// Fills `bytes` with unpredictable bytes. A source that fails ends the process: nothing may go on without it.
    fn fill(&self, bytes: &mut [u8]);
}

/// Bytes that anybody can foretell, and that never repeat: for tests, and for nothing else.
#[derive(Debug)]
pub struct PredictableEntropy(AtomicU64);

impl PredictableEntropy {
    /// From the beginning: two of them give the same bytes.
    #[must_use]
    #[expect(
        clippy::new_without_default,
        reason = "nothing should have it without asking for it by name"
    )]
    pub const fn new() -> Self {
        Self(AtomicU64::new(1))
    }
}

impl Entropy for PredictableEntropy {
    fn fill(&self, bytes: &mut [u8]) {
        for chunk in bytes.chunks_mut(8) {
            let count = self.0.fetch_add(1, Ordering::SeqCst);
            // Spread over all bits, so that parts of it differ too.
            let spread = count.wrapping_mul(0x9E37_79B9_7F4A_7C15);
            chunk.copy_from_slice(&spread.to_be_bytes()[..chunk.len()]);
        }
    }
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
