//! Signing in with a password, and verifying one.

use prolong_protocol::problem::Code;
use prolong_store::User;

use super::Authority;
use super::change_user::too_much_contention;
use super::sign_in::{SignIn, SignedIn, Who};
use crate::entropy::draw;
use crate::http::problem::Failure;
use crate::users::login_spellings;

impl Authority {
    /// Signs in with a password, for a client that may ask for one.
    ///
    /// # Errors
    /// `INVALID_CREDENTIALS` for an unknown user, a wrong password and a disabled user alike; `TOO_MANY_REQUESTS` after
    /// too many failures; what [`Authority::start_session`] refuses.
    pub(crate) async fn sign_in_with_password(
        &self,
        username: &str,
        password: &str,
        network: &str,
        sign_in: &SignIn,
    ) -> Result<SignedIn, Failure> {
        let spellings = login_spellings(username);
        let account = spellings.last().map_or(username, String::as_str);
        for _ in 0..VERIFICATIONS {
            let user = self.user_of_login(&spellings).await?;
            let user = self
                .verify_password(account, user, password, network)
                .await?;
            let rehashed = self.better_hash(&user, password).await;
            if let Some(signed_in) = self
                .start(&Who::Verified { user, rehashed }, sign_in)
                .await?
            {
                return Ok(signed_in);
            }
        }
        Err(too_much_contention())
    }

    /// Verifies a password, with the same answer and the same work whatever is wrong.
    pub(crate) async fn verify_password(
        &self,
        account: &str,
        user: Option<User>,
        password: &str,
        network: &str,
    ) -> Result<User, Failure> {
        self.throttled(account, network)?;
        // Of a disabled user too: it takes its own time, as it always did.
        let hash = user.as_ref().and_then(|user| user.password_hash.as_deref());
        let matches = self
            .passwords
            .verify(account, password, hash)
            .await
            .map_err(Failure::unavailable)?;
        let usable = user.filter(|user| !user.standing.disabled && !user.standing.deleted);
        // Guesses that were under way when the delay began learn nothing either.
        self.throttled(account, network)?;
        if let Some(user) = usable.filter(|_| matches) {
            self.throttle.succeeded(account, network);
            Ok(user)
        } else {
            self.throttle.failed(account, network, self.clock.now());
            Err(Failure::new(
                Code::InvalidCredentials,
                "the user name or the password is wrong",
            ))
        }
    }

    fn throttled(&self, account: &str, network: &str) -> Result<(), Failure> {
        self.throttle
            .check(account, network, self.clock.now())
            .map_err(|later| {
                let detail = format!("too many failed sign-ins; try again in {} s", later.seconds);
                Failure {
                    retry_after: Some(later.seconds),
                    ..Failure::new(Code::TooManyRequests, detail)
                }
            })
    }

    /// A hash of today's cost, where the stored one is of another notation or cheaper. A busy pool can wait for the
    /// next sign-in.
    async fn better_hash(&self, user: &User, password: &str) -> Option<String> {
        let stored = user.password_hash.as_deref()?;
        if !self.passwords.needs_rehash(stored, password) {
            return None;
        }
        self.passwords
            .hash(password, draw(&*self.entropy))
            .await
            .ok()
    }
}

/// How often a password is verified again because its hash was replaced meanwhile.
const VERIFICATIONS: usize = 3;
