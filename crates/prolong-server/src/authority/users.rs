//! What an administrator does to users.

use prolong_core::{EndReason, Over, Session, Standing, Timestamp, UserKey, over};
use prolong_protocol::problem::Code;
use prolong_store::{Change, NotCommitted, Transaction, User};
use serde_json::json;

use super::Authority;
use super::change_user::{audit_line, no_such_user};
use super::password::invalid_field;
use crate::http::problem::Failure;
use crate::users::{login_spellings, new_sub};

/// A user to make. Everything was checked.
pub(crate) struct NewUser {
    /// The caller's own id for them; `None`: a fresh UUID.
    pub(crate) sub: Option<String>,
    /// Login name, folded.
    pub(crate) login: Option<String>,
    /// A hash of the password.
    pub(crate) password_hash: Option<String>,
    /// Public claims.
    pub(crate) claims: String,
}

/// What changes of a user. Everything was checked.
pub(crate) struct UserPatch {
    /// A new login; `Some(None)` takes it away.
    #[expect(
        clippy::option_option,
        reason = "not said, said to be nothing, said: three things in a patch"
    )]
    pub(crate) login: Option<Option<String>>,
    /// New claims, made of the old ones.
    pub(crate) claims: Option<serde_json::Value>,
}

impl Authority {
    /// Makes a user.
    ///
    /// # Errors
    /// `CONFLICT` where the id or the login is taken.
    pub(crate) async fn create_user(&self, new: NewUser, actor: &str) -> Result<User, Failure> {
        let now = self.decisive_now()?;
        let outside = new.sub.as_ref().and_then(|_| self.outside_ids.one_more());
        let sub = new.sub.unwrap_or_else(|| new_sub(&*self.entropy));
        let user = User {
            key: crate::keys::user_key(&sub),
            sub,
            login: new.login,
            password_hash: new.password_hash,
            claims: new.claims,
            standing: Standing::new(),
            created_at: now,
            deleted_at: None,
            revision: 0,
        };
        let detail = json!({ "sub": user.sub });
        let mut transaction = Transaction::of(Change::InsertUser(user.clone())).and(audit_line(
            now,
            "user.created",
            actor,
            user.key,
            None,
            &detail,
        ));
        transaction.changes.extend(outside);
        match self.commit_and_tell(transaction).await {
            Ok(_) => Ok(user),
            Err(NotCommitted::Failed(error)) => Err(Failure::unavailable(error)),
            Err(NotCommitted::Conflict(_)) => {
                let taken = self
                    .store
                    .user(user.key)
                    .await
                    .map_err(Failure::unavailable)?
                    .is_some();
                Err(taken_by_another(if taken { "sub" } else { "login" }))
            }
        }
    }

    /// The user of an id.
    ///
    /// # Errors
    /// `NOT_FOUND`, also for a deleted user; `UNAVAILABLE`.
    pub(crate) async fn existing_user(&self, sub: &str) -> Result<User, Failure> {
        let user = self
            .store
            .user(crate::keys::user_key(sub))
            .await
            .map_err(Failure::unavailable)?;
        user.filter(|user| user.sub == sub && !user.standing.deleted)
            .ok_or_else(no_such_user)
    }

    /// The user of a login or an id.
    ///
    /// # Errors
    /// `NOT_FOUND`; `UNAVAILABLE`.
    pub(crate) async fn user_by_name(&self, name: &str) -> Result<User, Failure> {
        self.find_user(name).await?.ok_or_else(no_such_user)
    }

    /// The same, where there may be none.
    pub(crate) async fn find_user(&self, name: &str) -> Result<Option<User>, Failure> {
        if let Some(user) = self.user_of_login(&login_spellings(name)).await? {
            return Ok(Some(user));
        }
        let user = self.store.user(crate::keys::user_key(name)).await;
        user.map_err(Failure::unavailable)
    }

    /// Changes login and claims.
    ///
    /// # Errors
    /// `CONFLICT` where the login is taken; `INVALID_REQUEST` where the claims will not do.
    pub(crate) async fn patch_user(
        &self,
        user: UserKey,
        patch: &UserPatch,
        actor: &str,
    ) -> Result<User, Failure> {
        if let Some(Some(login)) = &patch.login {
            let holder = self
                .store
                .user_by_login(login)
                .await
                .map_err(Failure::unavailable)?;
            if holder.is_some_and(|holder| holder.key != user) {
                return Err(taken_by_another("login"));
            }
        }
        self.change_user(user, actor, |change| {
            if let Some(login) = &patch.login {
                change.user.login.clone_from(login);
            }
            if let Some(claims) = &patch.claims {
                change.user.claims = crate::users::merged_claims(&change.user.claims, claims)
                    .map_err(|fault| invalid_field("claims", fault))?;
            }
            let changed =
                json!({ "login": patch.login.is_some(), "claims": patch.claims.is_some() });
            change.audit("user.changed", &changed);
            Ok(())
        })
        .await
    }

    /// Bans a user: every session ends, and enabling again revives none.
    pub(crate) async fn disable_user(&self, user: UserKey, actor: &str) -> Result<User, Failure> {
        self.change_user(user, actor, |change| {
            if !change.user.standing.disabled {
                change.user.standing.disabled = true;
                change.raise_version(|_| EndReason::UserDisabled);
                change.audit("user.disabled", &json!({}));
            }
            Ok(())
        })
        .await
    }

    /// Lets a user sign in again.
    pub(crate) async fn enable_user(&self, user: UserKey, actor: &str) -> Result<User, Failure> {
        self.change_user(user, actor, |change| {
            if change.user.standing.disabled {
                change.user.standing.disabled = false;
                change.audit("user.enabled", &json!({}));
            }
            Ok(())
        })
        .await
    }

    /// Every session that exists must prove again who uses it; a sign-in on one device does not let another go on.
    pub(crate) async fn require_reauth(&self, user: UserKey, actor: &str) -> Result<User, Failure> {
        self.change_user(user, actor, |change| {
            // A session that was authenticated in this very millisecond exists already, so it is meant too.
            let newest = change
                .sessions
                .iter()
                .map(|session| session.authenticated_at)
                .max();
            let after_newest = newest.map_or(change.now, |at| {
                at.plus(core::time::Duration::from_millis(1))
            });
            change.user.standing.reauth_at = Some(change.now.max(after_newest));
            change.audit("user.reauth_required", &json!({}));
            Ok(())
        })
        .await
    }

    /// Signs a user out everywhere by raising their version.
    pub(crate) async fn sign_user_out(&self, user: UserKey, actor: &str) -> Result<User, Failure> {
        self.change_user(user, actor, |change| {
            change.raise_version(|_| EndReason::VersionRaised);
            change.audit("user.signed_out", &json!({}));
            Ok(())
        })
        .await
    }

    /// Deletes a user. What is left is a tombstone without personal data, so that old tokens stay dead.
    pub(crate) async fn delete_user(&self, user: UserKey, actor: &str) -> Result<(), Failure> {
        self.change_user(user, actor, |change| {
            change.raise_version(|_| EndReason::UserDeleted);
            change.user.standing.deleted = true;
            change.user.deleted_at = Some(change.now);
            change.user.login = None;
            change.user.password_hash = None;
            "{}".clone_into(&mut change.user.claims);
            change.audit("user.deleted", &json!({}));
            Ok(())
        })
        .await
        .map(drop)
    }

    /// Whether and why a session is over now, by its deadlines too.
    pub(crate) fn over_now(
        &self,
        session: &Session,
        user: &Standing,
        now: Timestamp,
    ) -> Option<Over> {
        match self.policy_of(session) {
            Some(policy) => over(session, user, now, policy),
            None => over(session, user, now, &prolong_core::Policy::defaults()),
        }
    }
}

fn taken_by_another(field: &str) -> Failure {
    Failure::new(
        Code::Conflict,
        format!("`{field}` is taken by another user"),
    )
}
