//! Random orders, the same in every run.

/// Draws them.
pub(crate) struct Shuffled(u64);

impl Shuffled {
    pub(crate) const fn new() -> Self {
        Self(0x9e37_79b9_7f4a_7c15)
    }

    pub(crate) fn next_order(&mut self, count: usize) -> Vec<usize> {
        let mut order: Vec<usize> = (0..count).collect();
        for at in (1..count).rev() {
            self.0 ^= self.0 << 13;
            self.0 ^= self.0 >> 7;
            self.0 ^= self.0 << 17;
            let other = usize::try_from(self.0 % (at as u64 + 1)).unwrap();
            order.swap(at, other);
        }
        order
    }
}
