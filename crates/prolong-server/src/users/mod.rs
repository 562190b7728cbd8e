//! Users and their passwords: what a login, a `sub`, a set of claims and a password may look like, how passwords are
//! hashed without starving the rest of the house, and how guessing is slowed down.

mod budget;
mod claims;
mod hash;
mod login;
mod network;
mod pool;
mod strangers;
mod throttle;
mod username;

pub use hash::{HashFault, MOST_ARGON2_KIB, MOST_ARGON2_PASSES, PasswordHash};
pub use pool::{PasswordBusy, PasswordPool};
pub use throttle::{SignInThrottle, TryLater};

pub(crate) use claims::{merged_claims, parsed_claims};
pub(crate) use login::{login_spellings, new_sub, valid_login, valid_new_password, valid_sub};
pub(crate) use network::{coarse, guessing_network};
