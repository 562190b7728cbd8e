//! `/v1/admin/users/{sub}`: one user.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use http::StatusCode;
use http::request::Parts;
use prolong_store::{AuditFilter, Found, Page};
use serde_json::{Value, json};

use super::gate::{self, SUPPORT};
use super::users::{login, shown};
use super::{audit, paging};
use crate::Authority;
use crate::authority::users::UserPatch;
use crate::http::problem::Failure;
use crate::http::sessions::fields::{Body, Fields, Segment, invalid};
use crate::http::sessions::items;

pub(super) async fn get(
    State(authority): State<Arc<Authority>>,
    Segment(sub): Segment,
    parts: Parts,
) -> Result<Json<Value>, Failure> {
    gate::actor(&authority, &parts, &[SUPPORT])?;
    Ok(Json(shown(&authority.existing_user(&sub).await?)))
}

/// `{login?, claims?}`; a claim that is `null` goes away.
pub(super) async fn patch(
    State(authority): State<Arc<Authority>>,
    Segment(sub): Segment,
    parts: Parts,
    Body(body): Body,
) -> Result<Json<Value>, Failure> {
    let actor = gate::actor(&authority, &parts, &[])?;
    let fields = Fields::read(&parts.headers, &body)?.only(&["login", "username", "claims"])?;
    let patch = UserPatch {
        login: login(&fields)?,
        claims: fields.value("claims").cloned(),
    };
    if patch.login.is_none() && patch.claims.is_none() {
        return Err(invalid(
            "login",
            "is missing: give `login`, `claims`, or both",
        ));
    }
    let user = authority.existing_user(&sub).await?;
    Ok(Json(shown(
        &authority.patch_user(user.key, &patch, &actor).await?,
    )))
}

pub(super) async fn delete(
    State(authority): State<Arc<Authority>>,
    Segment(sub): Segment,
    parts: Parts,
) -> Result<StatusCode, Failure> {
    let actor = gate::actor(&authority, &parts, &[])?;
    let user = authority.existing_user(&sub).await?;
    authority.delete_user(user.key, &actor).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Everything that is stored about a user (GDPR Art. 15 and 20), without secrets and hashes.
pub(super) async fn export(
    State(authority): State<Arc<Authority>>,
    Segment(sub): Segment,
    parts: Parts,
) -> Result<Json<Value>, Failure> {
    gate::actor(&authority, &parts, &[])?;
    let user = authority.existing_user(&sub).await?;
    let now = authority.decisive_now()?;
    let sessions = authority
        .store
        .sessions_of(user.key)
        .await
        .map_err(Failure::unavailable)?;
    let sessions: Vec<Value> = sessions
        .into_iter()
        .map(|session| {
            items::for_admin(
                &authority,
                &Found {
                    session,
                    user: user.clone(),
                },
                now,
            )
        })
        .collect();
    let filter = AuditFilter {
        user: Some(user.key),
        ..AuditFilter::default()
    };
    let mut lines = Vec::new();
    let mut page = Page {
        after: None,
        limit: 1000,
    };
    loop {
        let more = authority
            .store
            .audit(&filter, &page)
            .await
            .map_err(Failure::unavailable)?;
        let next = paging::next(&more, &page, |line| line.id.to_string());
        lines.extend(more.iter().map(audit::shown));
        match next {
            Some(after) if lines.len() < MOST_LINES => page.after = Some(after),
            _ => break,
        }
    }
    Ok(Json(
        json!({ "user": shown(&user), "sessions": sessions, "audit": lines }),
    ))
}

/// Audit lines in one export.
const MOST_LINES: usize = 100_000;
