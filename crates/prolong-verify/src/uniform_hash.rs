//! A hasher for keys that are salted hashes already: it takes them as they are.

use std::hash::{BuildHasher, Hasher};

#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct BuildUniform;

impl BuildHasher for BuildUniform {
    type Hasher = Uniform;

    fn build_hasher(&self) -> Uniform {
        Uniform(0)
    }
}

pub(crate) struct Uniform(u64);

impl Hasher for Uniform {
    fn write_u64(&mut self, key: u64) {
        self.0 = key;
    }

    /// Not for other keys; they would be found all the same.
    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = self.0.rotate_left(8) ^ u64::from(*byte);
        }
    }

    fn finish(&self) -> u64 {
        self.0
    }
}
