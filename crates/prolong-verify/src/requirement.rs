//! What one route asks beyond a valid token: scope, a recent or strong sign-in (RFC 9470), a user or a machine.

use crate::{
    claims::{Claims, holds_scope},
    facts::Asked,
    rejection::Rejection,
};

/// A route's requirements; the default asks for a user's token and nothing more.
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
    Any,
    /// A person's session. The default, as it is with forward-auth: a route that did not think of machines serves none
    /// (RFC 9068 §5).
    #[default]
    User,
    /// A client's own (RFC 9068 §5).
    Machine,
}

impl Requirement {
    /// Nothing beyond a valid token, whosever: not a route's default.
    pub(crate) const NONE: Self = Self {
        scopes: Vec::new(),
        max_age: None,
        acr_values: Vec::new(),
        caller: Caller::Any,
    };

    /// Checks verified claims. `now` is in seconds since the epoch.
    ///
    /// # Errors
    /// `WrongSubjectKind`, `InsufficientScope` or `InsufficientAuthentication`, in that order.
    pub fn check(&self, claims: &Claims, now: i64) -> Result<(), Rejection> {
        self.judge(claims, now)
    }

    /// A token's words are asked for only where the route asks: they may have to be decoded.
    pub(crate) fn judge(&self, asked: &impl Asked, now: i64) -> Result<(), Rejection> {
        let right_caller = match self.caller {
            Caller::Any => true,
            Caller::User => asked.has_session(),
            Caller::Machine => !asked.has_session(),
        };
        if !right_caller {
            return Err(Rejection::WrongSubjectKind);
        }
        let missing = |scope: &String| !asked.scope().is_some_and(|all| holds_scope(all, scope));
        if self.scopes.iter().any(missing) {
            return Err(Rejection::InsufficientScope);
        }
        let recent = self.max_age.is_none_or(|limit| {
            let auth_time = asked.facts().auth_time;
            auth_time.is_some_and(|at| now < at.saturating_add(i64::from(limit)))
        });
        let is_theirs = |acr: &str| self.acr_values.iter().any(|one| one == acr);
        let strong = self.acr_values.is_empty() || asked.acr().is_some_and(is_theirs);
        if recent && strong {
            Ok(())
        } else {
            Err(Rejection::InsufficientAuthentication)
        }
    }
}
