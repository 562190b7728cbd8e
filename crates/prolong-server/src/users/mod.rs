//! Users and passwords.

/// A bounded pool for password hashes.
pub struct PasswordPool;
/// Delays after failed sign-ins.
pub struct SignInThrottle;
