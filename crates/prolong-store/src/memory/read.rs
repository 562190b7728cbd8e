//! Reads, by going through everything.

use core::cmp::Reverse;

use prolong_core::{KeyId, Life, Session, SessionId, Timestamp, UserKey};

use super::State;
use crate::{
    AuditFilter, AuditLine, Counts, Found, Page, SealedKey, SessionFilter, User, UserFilter,
};

impl State {
    pub(super) fn session(&self, id: SessionId) -> Option<Found> {
        self.with_user(self.sessions.get(&id)?)
    }

    pub(super) fn sessions_of(&self, user: UserKey) -> Vec<Session> {
        self.newest_first(|session| session.user == user)
            .into_iter()
            .cloned()
            .collect()
    }

    pub(super) fn list_sessions(&self, filter: &SessionFilter, page: &Page) -> Vec<Found> {
        let listed = self.newest_first(|session| {
            filter.user.is_none_or(|user| session.user == user)
                && filter
                    .client
                    .as_deref()
                    .is_none_or(|client| *session.client == *client)
                && !(filter.not_ended && session.life != Life::Live)
        });
        // A listing goes on after a session that ended meanwhile, but not after one that was removed.
        let after = match &page.after {
            None => None,
            Some(text) => match SessionId::parse(text).and_then(|id| self.sessions.get(&id)) {
                None => return Vec::new(),
                Some(session) => Some(place(session)),
            },
        };
        let rest = listed
            .into_iter()
            .filter(|session| after.is_none_or(|after| place(session) < after))
            .filter_map(|session| self.with_user(session));
        rest.take(page.limit).collect()
    }

    fn newest_first(&self, wanted: impl Fn(&Session) -> bool) -> Vec<&Session> {
        let mut found: Vec<_> = self.sessions.values().filter(|&s| wanted(s)).collect();
        found.sort_by_key(|session| Reverse(place(session)));
        found
    }

    fn with_user(&self, session: &Session) -> Option<Found> {
        let user = self.users.get(&session.user)?.clone();
        Some(Found {
            session: session.clone(),
            user,
        })
    }

    pub(super) fn list_users(&self, filter: &UserFilter, page: &Page) -> Vec<User> {
        let prefix = filter.prefix.as_deref().unwrap_or_default();
        let after = page.after.as_deref();
        let mut found: Vec<_> = self
            .users
            .values()
            .filter(|user| after.is_none_or(|after| user.sub.as_str() > after))
            .filter(|user| filter.deleted || !user.standing.deleted)
            .filter(|user| {
                let login = user.login.as_deref().unwrap_or_default();
                user.sub.starts_with(prefix) || login.starts_with(prefix)
            })
            .cloned()
            .collect();
        found.sort_by(|a, b| a.sub.cmp(&b.sub));
        found.truncate(page.limit);
        found
    }

    pub(super) fn signing_keys(&self) -> Vec<SealedKey> {
        let mut keys: Vec<_> = self.keys.values().cloned().collect();
        keys.sort_by_key(|key| key.created_at);
        keys
    }

    pub(super) fn list_audit(&self, filter: &AuditFilter, page: &Page) -> Vec<AuditLine> {
        let after = match &page.after {
            None => i64::MAX,
            Some(text) => match text.parse() {
                Ok(id) => id,
                Err(_) => return Vec::new(),
            },
        };
        let lines = self.audit.range(..after).rev().map(|(_, line)| line);
        let wanted = lines.filter(|line| {
            filter.user.is_none_or(|user| line.user == Some(user))
                && filter
                    .session
                    .is_none_or(|session| line.session == Some(session))
                && filter.since.is_none_or(|since| line.at >= since)
                && filter.what.as_ref().is_none_or(|what| line.what == *what)
        });
        wanted.take(page.limit).cloned().collect()
    }

    pub(super) fn removable(&self, before: Timestamp, limit: usize) -> Vec<SessionId> {
        let removable = self.sessions.values().filter(|session| match session.life {
            Life::Ended { at, .. } => at < before,
            Life::Live => {
                let idle_end = session.idle.end(session.active_at);
                idle_end.is_some_and(|end| end < before)
                    || session.absolute_end.is_some_and(|end| end < before)
            }
        });
        removable.map(|session| session.id).take(limit).collect()
    }

    pub(super) fn removable_users(&self, before: Timestamp, limit: usize) -> Vec<UserKey> {
        let removable = self.users.values().filter(|user| {
            user.deleted_at.is_some_and(|at| at < before)
                && !self
                    .sessions
                    .values()
                    .any(|session| session.user == user.key)
        });
        removable.map(|user| user.key).take(limit).collect()
    }

    pub(super) fn key_in_use(&self, key: KeyId) -> bool {
        let mut live = self
            .sessions
            .values()
            .filter(|session| session.life == Life::Live);
        live.any(|session| session.key == key || session.previous_key == key)
    }

    pub(super) fn counts(&self) -> Counts {
        let live = self
            .sessions
            .values()
            .filter(|session| session.life == Life::Live);
        Counts {
            users: self.users.len() as u64,
            sessions: self.sessions.len() as u64,
            sessions_not_ended: live.count() as u64,
            feed_entries: self.feed.len() as u64,
            audit_lines: self.audit.len() as u64,
        }
    }
}

/// Where a session stands in a listing; the newest is greatest.
fn place(session: &Session) -> (Timestamp, SessionId) {
    (session.started_at, session.id)
}
