//! What one route asks beyond a valid token: scope, a recent or strong sign-in (RFC 9470), a user or a machine.

use crate::{claims::Claims, rejection::Rejection};

/// A route's requirements; the default asks for nothing more.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Requirement {
    /// Every one of these scopes.
    pub scopes: Vec<String>,
    /// At most so many seconds since `auth_time`; a token without `auth_time` fails.
    pub max_age: Option<u32>,
    /// One of these `acr` values; empty: any.
    pub acr_values: Vec<String>,
    /// Whose token it may be.
    pub caller: Caller,
}

/// Whose token: a user's has a `sid`, a machine's has none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Caller {
    /// Either's.
    #[default]
    Any,
    /// A person's session.
    User,
    /// A client's own (RFC 9068 §5).
    Machine,
}

impl Requirement {
    /// Checks verified claims. `now` is in seconds since the epoch.
    ///
    /// # Errors
    /// `WrongSubjectKind`, `InsufficientScope` or `InsufficientAuthentication`, in that order.
    pub fn check(&self, claims: &Claims, now: i64) -> Result<(), Rejection> {
        let right_caller = match self.caller {
            Caller::Any => true,
            Caller::User => claims.session_id().is_some(),
            Caller::Machine => claims.session_id().is_none(),
        };
        let recent = self.max_age.is_none_or(|limit| {
            claims
                .auth_time()
                .is_some_and(|at| now < at.saturating_add(i64::from(limit)))
        });
        let strong = self.acr_values.is_empty()
            || claims
                .acr()
                .is_some_and(|acr| self.acr_values.iter().any(|one| one == acr));
        if !right_caller {
            Err(Rejection::WrongSubjectKind)
        } else if !self.scopes.iter().all(|scope| claims.has_scope(scope)) {
            Err(Rejection::InsufficientScope)
        } else if !recent || !strong {
            Err(Rejection::InsufficientAuthentication)
        } else {
            Ok(())
        }
    }
}
