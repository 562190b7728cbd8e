//! What a password change ends.

use crate::{OnPasswordChange, Policy, Session, SessionId};

/// Whether a password change that `caller` asked for ends `session`, by the session's own policy.
///
/// `caller` is the session from which the password was changed; `None` for an administrator's reset, which knows no
/// current password and ends all.
#[must_use]
pub fn ended_by_password_change(
    session: &Session,
    caller: Option<SessionId>,
    policy: &Policy,
) -> bool {
    let Some(caller) = caller else { return true };
    match policy.on_password_change {
        OnPasswordChange::EndAll => true,
        OnPasswordChange::EndOthers => session.id != caller,
        OnPasswordChange::Keep => false,
    }
}
