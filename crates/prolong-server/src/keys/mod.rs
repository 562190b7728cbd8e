//! Keys: the master keys, what is derived from them, and the ring of signing keys.

mod master;
mod refresh_token;
pub(crate) mod register;
mod ring;
mod sealing;
mod signer;

pub use master::{KeyFault, MasterKeys};
pub use refresh_token::{OpenedRefreshToken, RefreshKeys, SessionSecret};
pub(crate) use refresh_token::{attempt_hash, secret_hash, shard, user_key};
pub use register::RegisterFault;
pub use ring::{RingFault, SigningRing};

#[cfg(test)]
mod tests {
    use std::fmt::{Debug, Display};

    use serde::Serialize;

    use super::{MasterKeys, OpenedRefreshToken, RefreshKeys, SessionSecret};

    /// Does not compile where one of the types has one of the traits: then it has two methods of this name.
    macro_rules! are_silent {
        ($($secret:ty),+) => {$({
            trait Ambiguous<Which> {
                fn method() {}
            }
            struct Printed;
            struct Shown;
            struct Serialized;
            impl<T> Ambiguous<()> for T {}
            impl<T: Debug> Ambiguous<Printed> for T {}
            impl<T: Display> Ambiguous<Shown> for T {}
            impl<T: Serialize> Ambiguous<Serialized> for T {}
            <$secret as Ambiguous<_>>::method();
        })+};
    }

    #[test]
    fn no_secret_type_can_be_printed_or_serialized() {
        are_silent!(
            MasterKeys,
            OpenedRefreshToken,
            RefreshKeys,
            SessionSecret,
            super::sealing::Sealing,
            super::signer::Signer
        );
    }
}
