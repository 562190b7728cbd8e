//! `GET /v1/admin/why-ended?user=`: "why was she signed out?", answered for each of a user's sessions.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use http::request::Parts;
use prolong_core::EndReason;
use prolong_store::Found;
use serde_json::{Value, json};

use super::gate::{self, SUPPORT};
use super::paging::Parameters;
use crate::Authority;
use crate::http::problem::Failure;
use crate::http::sessions::fields::invalid;
use crate::http::sessions::items;

pub(super) async fn get(
    State(authority): State<Arc<Authority>>,
    parts: Parts,
) -> Result<Json<Value>, Failure> {
    gate::actor(&authority, &parts, &[SUPPORT])?;
    let parameters = Parameters::read(&parts.uri, &["user"])?;
    let name = parameters
        .text("user")
        .ok_or_else(|| invalid("user", "is missing: a login or a user's id"))?;
    let user = authority.user_by_name(name).await?;
    let now = authority.decisive_now()?;
    let sessions = authority
        .store
        .sessions_of(user.key)
        .await
        .map_err(Failure::unavailable)?;
    let enders = items::enders(&authority, user.key).await?;
    let mut list = Vec::new();
    for session in sessions {
        let over = authority.over_now(&session, &user.standing, now);
        let by = enders.get(&session.id).cloned();
        let mut shown = items::for_admin(
            &authority,
            &Found {
                session,
                user: user.clone(),
            },
            now,
        );
        let words = over.map_or("It goes on.", |over| in_words(over.reason));
        if let Value::Object(members) = &mut shown {
            members.insert("explanation".to_owned(), Value::from(words));
            members.insert("ended_by".to_owned(), Value::from(by));
        }
        list.push(shown);
    }
    Ok(Json(
        json!({ "sub": user.sub, "login": user.login, "sessions": list }),
    ))
}

fn in_words(reason: EndReason) -> &'static str {
    match reason {
        EndReason::SignedOut => "The user signed out on this device.",
        EndReason::SignedOutElsewhere => {
            "The user ended it from another session, or signed out everywhere."
        }
        EndReason::IdleTimeout => "Nobody was active in it for as long as its policy allows.",
        EndReason::LifetimeReached => "It reached the absolute lifetime that its policy allows.",
        EndReason::SignInTooOld => {
            "The user's last sign-in is too long ago; reauthenticating brings it back."
        }
        EndReason::ReauthRequired => {
            "The user was asked to reauthenticate; doing so brings it back."
        }
        EndReason::PasswordChanged => "The password was changed.",
        EndReason::UserDisabled => "The user was disabled.",
        EndReason::EndedByAdmin => "An administrator ended it.",
        EndReason::ReuseDetected => {
            "A spent refresh token was used again: one of its two holders may have stolen it."
        }
        EndReason::Displaced => {
            "A newer sign-in took its place: the user had as many sessions as the policy allows."
        }
        EndReason::VersionRaised => {
            "All older sessions were refused: signed out by an administrator, or replaced by a newer sign-in."
        }
        EndReason::UserDeleted => "The user was deleted.",
        EndReason::KeyDistrusted => "The key that signed its tokens was declared unsafe.",
    }
}
