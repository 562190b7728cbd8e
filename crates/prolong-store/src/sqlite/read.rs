//! Reads: point queries by key, and listings by key set.

use prolong_core::{KeyId, Session, SessionId, Timestamp, UserKey};
use rusqlite::{Connection, OptionalExtension, Params, Result, Row, params};

use super::rows::{self, session_columns, user_columns};
use crate::{
    AuditFilter, AuditLine, Counts, FeedCursor, FeedLine, Found, Page, SealedKey, SessionFilter,
    Ticket, User, UserFilter,
};

pub(super) fn session(db: &Connection, id: SessionId) -> Result<Option<Found>> {
    let sql = concat!(
        "SELECT ",
        session_columns!(),
        ", ",
        user_columns!(),
        " FROM session s JOIN user u ON u.key = s.user WHERE s.id = ?1"
    );
    db.prepare_cached(sql)?
        .query_row(params![id.0], rows::found)
        .optional()
}

/// Without its user, and the number of its row.
pub(super) fn session_row(db: &Connection, id: SessionId) -> Result<Option<(i64, Session)>> {
    let sql = concat!(
        "SELECT ",
        session_columns!(),
        ", s.row FROM session s WHERE s.id = ?1"
    );
    db.prepare_cached(sql)?
        .query_row(params![id.0], rows::session_and_row)
        .optional()
}

pub(super) fn sessions_of(db: &Connection, user: UserKey) -> Result<Vec<Session>> {
    let sql = concat!(
        "SELECT ",
        session_columns!(),
        " FROM session s WHERE s.user = ?1 ORDER BY s.started_at DESC, s.id DESC"
    );
    all(db, sql, params![user.0], rows::session)
}

/// Goes on after a session that ended meanwhile, but not after one that was removed.
pub(super) fn sessions(db: &Connection, filter: &SessionFilter, page: &Page) -> Result<Vec<Found>> {
    let after = match &page.after {
        None => None,
        Some(text) => match SessionId::parse(text) {
            None => return Ok(Vec::new()),
            Some(id) => Some(id.0),
        },
    };
    // Spelled out per filter, so that the index is used where there is a user.
    let of_user = if filter.user.is_some() {
        "s.user = ?1"
    } else {
        "?1 IS NULL"
    };
    let (session, user) = (session_columns!(), user_columns!());
    let sql = format!(
        "SELECT {session}, {user} FROM session s JOIN user u ON u.key = s.user \
         WHERE {of_user} AND (?2 IS NULL OR s.client = ?2) AND (NOT ?3 OR s.end_reason = 0) \
         AND (?4 IS NULL OR (s.started_at, s.id) < (SELECT started_at, id FROM session WHERE id = ?4)) \
         ORDER BY s.started_at DESC, s.id DESC LIMIT ?5"
    );
    let user = filter.user.map(|user| user.0);
    let values = params![
        user,
        filter.client,
        filter.not_ended,
        after,
        limit(page.limit)
    ];
    all(db, &sql, values, rows::found)
}

pub(super) fn user(db: &Connection, key: UserKey) -> Result<Option<User>> {
    let sql = concat!("SELECT ", user_columns!(), " FROM user u WHERE u.key = ?1");
    db.prepare_cached(sql)?
        .query_row(params![key.0], rows::user)
        .optional()
}

pub(super) fn user_by_login(db: &Connection, login: &str) -> Result<Option<User>> {
    let sql = concat!(
        "SELECT ",
        user_columns!(),
        " FROM user u WHERE u.login = ?1"
    );
    db.prepare_cached(sql)?
        .query_row(params![login], rows::user)
        .optional()
}

pub(super) fn users(db: &Connection, filter: &UserFilter, page: &Page) -> Result<Vec<User>> {
    let user = user_columns!();
    let sql = format!(
        "SELECT {user} FROM user u WHERE (?1 IS NULL OR u.sub > ?1) AND (?2 OR NOT u.deleted) \
         AND (?3 = '' OR substr(u.sub, 1, length(?3)) = ?3 OR substr(u.login, 1, length(?3)) = ?3) \
         ORDER BY u.sub LIMIT ?4"
    );
    let prefix = filter.prefix.as_deref().unwrap_or_default();
    let values = params![page.after, filter.deleted, prefix, limit(page.limit)];
    all(db, &sql, values, rows::user)
}

pub(super) fn ticket(db: &Connection, hash: [u8; 32]) -> Result<Option<Ticket>> {
    db.prepare_cached("SELECT * FROM ticket WHERE hash = ?1")?
        .query_row([hash], rows::ticket)
        .optional()
}

pub(super) fn signing_keys(db: &Connection) -> Result<Vec<SealedKey>> {
    all(
        db,
        "SELECT * FROM signing_key ORDER BY created_at, kid",
        [],
        rows::signing_key,
    )
}

pub(super) fn feed_head(db: &Connection) -> Result<FeedCursor> {
    db.prepare_cached("SELECT epoch, seq, chain FROM feed_head")?
        .query_row([], |row| {
            Ok(FeedCursor {
                epoch: row.get(0)?,
                seq: rows::number(row, 1)?,
                chain: row.get(2)?,
            })
        })
}

pub(super) fn feed_after(db: &Connection, seq: u64, most: usize) -> Result<Vec<FeedLine>> {
    let seq = i64::try_from(seq).unwrap_or(i64::MAX);
    let sql = "SELECT * FROM feed_entry WHERE seq > ?1 ORDER BY seq LIMIT ?2";
    all(db, sql, params![seq, limit(most)], rows::feed_line)
}

pub(super) fn audit(db: &Connection, filter: &AuditFilter, page: &Page) -> Result<Vec<AuditLine>> {
    let after = match page.after.as_deref().map(str::parse::<i64>) {
        None => i64::MAX,
        Some(Ok(id)) => id,
        Some(Err(_)) => return Ok(Vec::new()),
    };
    let of_user = if filter.user.is_some() {
        "user = ?2"
    } else {
        "?2 IS NULL"
    };
    let of_session = if filter.session.is_some() {
        "session = ?3"
    } else {
        "?3 IS NULL"
    };
    let sql = format!(
        "SELECT * FROM audit WHERE id < ?1 AND {of_user} AND {of_session} AND (?4 IS NULL OR at >= ?4) \
         AND (?5 IS NULL OR what = ?5) ORDER BY id DESC LIMIT ?6"
    );
    let values = params![
        after,
        filter.user.map(|user| user.0),
        filter.session.map(|id| id.0),
        filter.since.map(Timestamp::as_millis),
        filter.what,
        limit(page.limit)
    ];
    all(db, &sql, values, rows::audit_line)
}

pub(super) fn fact(db: &Connection, name: &str) -> Result<Option<String>> {
    let mut fact = db.prepare_cached("SELECT value FROM fact WHERE name = ?1")?;
    fact.query_row([name], |row| row.get(0)).optional()
}

pub(super) fn removable_sessions(
    db: &Connection,
    before: Timestamp,
    most: usize,
) -> Result<Vec<SessionId>> {
    let sql = "SELECT id FROM session WHERE CASE end_reason WHEN 0 \
               THEN coalesce(active_at + idle < ?1, 0) OR coalesce(absolute_end < ?1, 0) ELSE ended_at < ?1 END \
               ORDER BY id LIMIT ?2";
    all(db, sql, params![before.as_millis(), limit(most)], |row| {
        Ok(SessionId(row.get(0)?))
    })
}

pub(super) fn removable_users(
    db: &Connection,
    before: Timestamp,
    most: usize,
) -> Result<Vec<UserKey>> {
    let sql = "SELECT key FROM user WHERE deleted_at < ?1 \
               AND NOT EXISTS (SELECT 1 FROM session WHERE session.user = user.key) ORDER BY key LIMIT ?2";
    all(db, sql, params![before.as_millis(), limit(most)], |row| {
        Ok(UserKey(row.get(0)?))
    })
}

pub(super) fn key_in_use(db: &Connection, key: KeyId) -> Result<bool> {
    let sql = "SELECT 1 FROM session WHERE end_reason = 0 AND (key = ?1 OR previous_key = ?1)";
    db.prepare_cached(sql)?.exists([key.0])
}

pub(super) fn counts(db: &Connection) -> Result<Counts> {
    let sql = "SELECT (SELECT count(*) FROM user), (SELECT count(*) FROM session), \
               (SELECT count(*) FROM session WHERE end_reason = 0), (SELECT count(*) FROM feed_entry), \
               (SELECT count(*) FROM audit)";
    db.prepare_cached(sql)?.query_row([], |row| {
        Ok(Counts {
            users: rows::number(row, 0)?,
            sessions: rows::number(row, 1)?,
            sessions_not_ended: rows::number(row, 2)?,
            feed_entries: rows::number(row, 3)?,
            audit_lines: rows::number(row, 4)?,
        })
    })
}

pub(super) fn limit(limit: usize) -> i64 {
    i64::try_from(limit).unwrap_or(i64::MAX)
}

fn all<T>(
    db: &Connection,
    sql: &str,
    values: impl Params,
    row: impl FnMut(&Row<'_>) -> Result<T>,
) -> Result<Vec<T>> {
    db.prepare_cached(sql)?.query_map(values, row)?.collect()
}
