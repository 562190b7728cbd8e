//! The system's random numbers.

use prolong_server::entropy::Entropy;

/// Draws from the operating system.
#[derive(Debug)]
pub(crate) struct SystemEntropy;

impl Entropy for SystemEntropy {
    #[expect(
        clippy::disallowed_methods,
        reason = "this is the entropy source that everybody else is given"
    )]
    fn fill(&self, bytes: &mut [u8]) {
        if aws_lc_rs::rand::fill(bytes).is_err() {
            tracing::error!("the system gives no random numbers; nothing can go on without them");
            std::process::abort();
        }
    }
}

/// `N` random bytes in hexadecimal.
pub(crate) fn hex<const N: usize>() -> String {
    let bytes: [u8; N] = prolong_server::entropy::draw(&SystemEntropy);
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
