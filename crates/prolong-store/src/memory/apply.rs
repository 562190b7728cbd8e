//! Writes, each with its way back.

use std::collections::BTreeMap;

use prolong_core::{Flags, Life, Session, SessionId, Standing};

use super::{State, Undo};
use crate::{AuditLine, Change, Committed, FeedCursor, FeedLine, NewAuditLine, NewFeedEntry, User};

/// A transaction under way.
pub(super) struct Writing<'a> {
    state: &'a mut State,
    undo: Vec<Undo>,
    committed: Committed,
}

/// `None`: the guard does not hold.
type Applied = Option<()>;

impl<'a> Writing<'a> {
    pub(super) fn new(state: &'a mut State) -> Self {
        Self {
            state,
            undo: Vec::new(),
            committed: Committed::default(),
        }
    }

    pub(super) fn finish(self) -> (Vec<Undo>, Committed) {
        (self.undo, self.committed)
    }

    pub(super) fn apply(&mut self, change: Change) -> Applied {
        match change {
            Change::StartSession(session) => {
                guard(!self.state.sessions.contains_key(&session.id))?;
                self.put(|state| &mut state.sessions, session.id, Some(session));
            }
            Change::SwapSession { seen, next, user } => self.swap(&seen, *next, &user)?,
            Change::EndSession {
                id,
                reason,
                at,
                at_generation,
            } => {
                let session = self.live(id)?;
                guard(at_generation.is_none_or(|generation| session.generation == generation))?;
                let ended = Session {
                    life: Life::Ended { reason, at },
                    ..session
                };
                self.put(|state| &mut state.sessions, id, Some(ended));
            }
            Change::SeenActive { id, at } => {
                if let Some(session) = self.live(id) {
                    let seen = Session {
                        active_at: session.active_at.max(at),
                        ..session
                    };
                    self.put(|state| &mut state.sessions, id, Some(seen));
                }
            }
            Change::RenameSession { id, device_name } => {
                let renamed = Session {
                    device_name,
                    ..self.live(id)?
                };
                self.put(|state| &mut state.sessions, id, Some(renamed));
            }
            Change::InsertUser(user) => {
                guard(!self.state.users.contains_key(&user.key) && self.login_is_free(&user))?;
                self.put(|state| &mut state.users, user.key, Some(user));
            }
            Change::ReplaceUser(user) => {
                let stored = self.state.users.get(&user.key)?;
                guard(stored.revision == user.revision && self.login_is_free(&user))?;
                let user = User {
                    revision: user.revision + 1,
                    ..user
                };
                self.put(|state| &mut state.users, user.key, Some(user));
            }
            Change::CheckUser { user, revision } => {
                guard(self.state.users.get(&user)?.revision == revision)?;
            }
            Change::RemoveUser(user) => self.put(|state| &mut state.users, user, None),
            Change::RemoveSessions(ids) => {
                for id in ids {
                    self.put(|state| &mut state.sessions, id, None);
                }
            }
            Change::PutSigningKey(key) => {
                self.put(|state| &mut state.keys, key.kid.clone(), Some(key));
            }
            Change::RemoveSigningKey(kid) => self.put(|state| &mut state.keys, kid, None),
            Change::AppendFeed(entry) => self.append_feed(entry),
            Change::ForgetFeedBefore(second) => {
                self.forget(|state| &mut state.feed, |l| l.entry.until < second);
            }
            Change::NewFeedEpoch(epoch) => self.move_head(FeedCursor {
                epoch,
                ..self.state.head
            }),
            Change::AppendAudit(line) => self.append_audit(line),
            Change::ForgetAuditBefore(time, limit) => {
                // Only the first lines are looked at.
                let first = self.state.audit.values().take(limit);
                let old = first.filter(|line| line.at < time).map(|line| line.id);
                for id in old.collect::<Vec<_>>() {
                    self.put(|state| &mut state.audit, id, None);
                }
            }
            Change::PutTicket(ticket) => {
                guard(!self.state.tickets.contains_key(&ticket.hash))?;
                self.put(|state| &mut state.tickets, ticket.hash, Some(ticket));
            }
            Change::TakeTicket { hash } => {
                guard(self.state.tickets.contains_key(&hash))?;
                self.put(|state| &mut state.tickets, hash, None);
            }
            Change::ForgetTicketsBefore(time) => {
                self.forget(|s| &mut s.tickets, |ticket| ticket.expires_at < time);
            }
            Change::SetFact { name, value } => {
                self.put(|state| &mut state.facts, name.to_owned(), Some(value));
            }
        }
        Some(())
    }

    fn swap(&mut self, seen: &Session, next: Session, standing: &Standing) -> Applied {
        let stored = self.live(seen.id)?;
        guard(
            stored.generation == seen.generation
                && stored.key == seen.key
                && stored.secret == seen.secret
                && stored.rotated_at == seen.rotated_at
                && stored.authenticated_at == seen.authenticated_at,
        )?;
        let user = &self.state.users.get(&stored.user)?.standing;
        guard(
            user.version == standing.version
                && user.disabled == standing.disabled
                && user.deleted == standing.deleted
                && user.reauth_at == standing.reauth_at,
        )?;
        let merged = Session {
            id: stored.id,
            user: stored.user,
            client: stored.client,
            flags: Flags {
                attempts_seen: stored.flags.attempts_seen || next.flags.attempts_seen,
                evidence_seen: stored.flags.evidence_seen || next.flags.evidence_seen,
                remember: stored.flags.remember || next.flags.remember,
            },
            forgiven: stored.forgiven.max(next.forgiven),
            active_at: stored.active_at.max(next.active_at),
            started_at: stored.started_at,
            scope: stored.scope,
            device_name: stored.device_name,
            user_agent: stored.user_agent,
            ip: stored.ip,
            ..next
        };
        self.put(|state| &mut state.sessions, seen.id, Some(merged));
        Some(())
    }

    fn live(&self, id: SessionId) -> Option<Session> {
        self.state
            .sessions
            .get(&id)
            .filter(|session| session.life == Life::Live)
            .cloned()
    }

    fn login_is_free(&self, user: &User) -> bool {
        user.login.is_none()
            || !self
                .state
                .users
                .values()
                .any(|other| other.key != user.key && other.login == user.login)
    }

    fn append_feed(&mut self, entry: NewFeedEntry) {
        if entry.kind == prolong_core::FeedKind::TokenGeneration {
            self.forget(
                |state| &mut state.feed,
                |line| line.entry.kind == entry.kind && line.entry.key == entry.key,
            );
        }
        let head = self.state.head.after(&entry);
        let line = FeedLine {
            seq: head.seq,
            chain: head.chain,
            entry,
        };
        self.put(|state| &mut state.feed, line.seq, Some(line));
        self.committed.feed_lines.push(line);
        self.move_head(head);
    }

    fn move_head(&mut self, head: FeedCursor) {
        let before = core::mem::replace(&mut self.state.head, head);
        self.undo.push(Box::new(move |state| state.head = before));
        self.committed.feed = Some(head);
    }

    fn append_audit(&mut self, line: NewAuditLine) {
        let before = self.state.last_audit;
        let id = before + 1;
        self.state.last_audit = id;
        self.undo
            .push(Box::new(move |state| state.last_audit = before));
        let NewAuditLine {
            at,
            what,
            actor,
            user,
            session,
            detail,
        } = line;
        let line = AuditLine {
            id,
            at,
            what: what.to_owned(),
            actor,
            user,
            session,
            detail,
        };
        self.put(|state| &mut state.audit, id, Some(line));
    }

    fn forget<K: Ord + Clone + Send + 'static, V: Send + 'static>(
        &mut self,
        map: fn(&mut State) -> &mut BTreeMap<K, V>,
        forgotten: impl Fn(&V) -> bool,
    ) {
        let rows = map(self.state).iter().filter(|(_, row)| forgotten(row));
        let keys: Vec<_> = rows.map(|(key, _)| key.clone()).collect();
        for key in keys {
            self.put(map, key, None);
        }
    }

    /// Writes or removes one row, and remembers what was there.
    fn put<K: Ord + Clone + Send + 'static, V: Send + 'static>(
        &mut self,
        map: fn(&mut State) -> &mut BTreeMap<K, V>,
        key: K,
        row: Option<V>,
    ) {
        let rows = map(self.state);
        let before = set(rows, key.clone(), row);
        self.undo.push(Box::new(move |state| {
            set(map(state), key, before);
        }));
    }
}

fn set<K: Ord, V>(rows: &mut BTreeMap<K, V>, key: K, row: Option<V>) -> Option<V> {
    match row {
        Some(row) => rows.insert(key, row),
        None => rows.remove(&key),
    }
}

fn guard(holds: bool) -> Applied {
    holds.then_some(())
}
