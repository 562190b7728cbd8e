//! Sessions as they are shown.

use std::collections::BTreeMap;

use prolong_core::{Action, Life, Session, SessionId, Standing, Timestamp, UserKey};
use prolong_protocol::problem::Reason;
use prolong_protocol::session::{SessionEnd, SessionItem};
use prolong_store::{AuditFilter, Found, Page};
use serde_json::{Value, json};

use crate::Authority;
use crate::http::problem::Failure;
pub(crate) use crate::token::rfc3339;

/// One of a user's own sessions.
pub(crate) fn item(authority: &Authority, session: &Session, current: bool) -> SessionItem {
    let (idle_end, absolute_end) = deadlines(authority, session);
    SessionItem {
        id: session.id.to_string(),
        client_id: session.client.to_string(),
        device_name: session.device_name.as_deref().map(ToOwned::to_owned),
        user_agent: session.user_agent.as_deref().map(ToOwned::to_owned),
        started_at: rfc3339(session.started_at),
        last_active_at: rfc3339(session.active_at),
        idle_ends_at: idle_end.map(rfc3339),
        ends_at: absolute_end.map(rfc3339),
        current,
        over: None,
    }
}

/// The same of a session that is over, with how it ended; `None` where it goes on.
pub(crate) fn ended_item(
    authority: &Authority,
    session: &Session,
    user: &Standing,
    enders: &Enders,
    now: Timestamp,
) -> Option<SessionItem> {
    let over = authority.over_now(session, user, now)?;
    let end = SessionEnd {
        reason: Reason::parse(over.reason.as_str())?,
        since: over.since.map(rfc3339),
        by: enders.get(&session.id).cloned(),
    };
    Some(SessionItem {
        over: Some(end),
        ..item(authority, session, false)
    })
}

/// Who ended which session.
pub(crate) type Enders = BTreeMap<SessionId, String>;

/// Who ended a user's sessions, from the audit log: its newest thousand ends.
pub(crate) async fn enders(authority: &Authority, user: UserKey) -> Result<Enders, Failure> {
    let filter = AuditFilter {
        user: Some(user),
        what: Some("session.ended".to_owned()),
        ..AuditFilter::default()
    };
    let page = Page {
        after: None,
        limit: 1000,
    };
    let lines = authority
        .store
        .audit(&filter, &page)
        .await
        .map_err(Failure::unavailable)?;
    let ends = lines.into_iter();
    Ok(ends
        .filter_map(|line| Some((line.session?, line.actor)))
        .collect())
}

/// Whether a user sees it in their list: it goes on, or would after a reauthentication.
pub(crate) fn is_listed(
    authority: &Authority,
    session: &Session,
    user: &Standing,
    now: Timestamp,
) -> bool {
    authority
        .over_now(session, user, now)
        .is_none_or(|over| over.reason.action() == Action::Reauthenticate)
}

/// One session, as administrators see it: with its user and, where it is over, why and since when.
pub(crate) fn for_admin(authority: &Authority, found: &Found, now: Timestamp) -> Value {
    let Found { session, user } = found;
    let over = authority.over_now(session, &user.standing, now);
    let (idle_end, absolute_end) = deadlines(authority, session);
    json!({
        "id": session.id.to_string(),
        "sub": user.sub,
        "login": user.login,
        "client_id": &*session.client,
        "device_name": session.device_name.as_deref(),
        "user_agent": session.user_agent.as_deref(),
        "ip": session.ip.as_deref(),
        "generation": session.generation.0,
        "started_at": rfc3339(session.started_at),
        "authenticated_at": rfc3339(session.authenticated_at),
        "last_active_at": rfc3339(session.active_at),
        "idle_ends_at": idle_end.map(rfc3339),
        "ends_at": absolute_end.map(rfc3339),
        "live": over.is_none(),
        "ended": session.life != Life::Live,
        "reason": over.map(|over| over.reason.as_str()),
        "over_since": over.and_then(|over| over.since).map(rfc3339),
    })
}

/// The idle deadline and the absolute end in force: the shorter of what was frozen and what the policy says now.
fn deadlines(authority: &Authority, session: &Session) -> (Option<Timestamp>, Option<Timestamp>) {
    let policy = authority.policy_of(session);
    let idle = policy
        .map_or(session.idle, |policy| session.idle.min(policy.idle))
        .end(session.active_at);
    let by_policy = policy.and_then(|policy| policy.lifetime.end(session.started_at));
    (
        idle,
        [session.absolute_end, by_policy]
            .into_iter()
            .flatten()
            .min(),
    )
}
