//! Each change as SQL, so that a guard that does not hold is a count of rows and not an error.

use prolong_core::{Flags, Life, Limit, ProducedBy, Session, Standing, Timestamp};
use rusqlite::{Connection, Result, ToSql, params};

use super::read;
use crate::{Change, Committed, FeedCursor, FeedLine, NewFeedEntry, User};

/// Whether the guard held.
#[expect(clippy::too_many_lines, reason = "one arm per change, each its SQL")]
pub(super) fn change(db: &Connection, change: Change, committed: &mut Committed) -> Result<bool> {
    match change {
        Change::StartSession(session) => start(db, &session),
        Change::SwapSession { seen, next, user } => swap(db, &seen, &next, &user),
        Change::EndSession {
            id,
            reason,
            at,
            at_generation,
        } => one(
            db,
            "UPDATE session SET end_reason = ?2, ended_at = ?3 WHERE id = ?1 AND end_reason = 0 \
             AND (?4 IS NULL OR generation = ?4)",
            params![
                id.0,
                reason.number(),
                at.as_millis(),
                at_generation.map(|g| signed(g.0))
            ],
        ),
        Change::SeenActive { id, at } => any(
            db,
            "UPDATE session SET active_at = ?2 WHERE id = ?1 AND end_reason = 0 AND active_at < ?2",
            params![id.0, at.as_millis()],
        ),
        Change::RenameSession { id, device_name } => one(
            db,
            "UPDATE session SET device_name = ?2 WHERE id = ?1 AND end_reason = 0",
            params![id.0, device_name],
        ),
        Change::InsertUser(user) => write_user(
            db,
            "INSERT OR IGNORE INTO user (key, sub, login, password_hash, claims, version, disabled, deleted, \
             reauth_at, last_sign_in, created_at, deleted_at, revision) \
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)",
            &user,
        ),
        Change::ReplaceUser(user) => write_user(
            db,
            "UPDATE OR IGNORE user SET sub = ?2, login = ?3, password_hash = ?4, claims = ?5, version = ?6, \
             disabled = ?7, deleted = ?8, reauth_at = ?9, last_sign_in = ?10, created_at = ?11, deleted_at = ?12, \
             revision = ?13 + 1 WHERE key = ?1 AND revision = ?13",
            &user,
        ),
        Change::CheckUser { user, revision } => db
            .prepare_cached("SELECT 1 FROM user WHERE key = ?1 AND revision = ?2")?
            .exists(params![user.0, signed(revision)]),
        Change::RemoveUser(user) => any(db, "DELETE FROM user WHERE key = ?1", params![user.0]),
        Change::RemoveSessions(ids) => {
            for id in ids {
                any(db, "DELETE FROM session WHERE id = ?1", params![id.0])?;
            }
            Ok(true)
        }
        Change::PutSigningKey(key) => any(
            db,
            "INSERT OR REPLACE INTO signing_key VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
            params![
                key.kid,
                key.algorithm,
                key.state.number(),
                key.public_jwk,
                key.sealed,
                key.created_at.as_millis(),
                key.state_since.as_millis()
            ],
        ),
        Change::RemoveSigningKey(kid) => {
            any(db, "DELETE FROM signing_key WHERE kid = ?1", params![kid])
        }
        Change::AppendFeed(entry) => append_feed(db, entry, committed),
        Change::ForgetFeedBefore(second) => any(
            db,
            "DELETE FROM feed_entry WHERE until < ?1",
            params![second],
        ),
        Change::NewFeedEpoch(epoch) => {
            let head = FeedCursor {
                epoch,
                ..read::feed_head(db)?
            };
            committed.feed = Some(head);
            any(db, "UPDATE feed_head SET epoch = ?1", params![epoch])
        }
        Change::AppendAudit(line) => any(
            db,
            "INSERT INTO audit (at, what, actor, user, session, detail) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
            params![
                line.at.as_millis(),
                line.what,
                line.actor,
                line.user.map(|user| user.0),
                line.session.map(|id| id.0),
                line.detail
            ],
        ),
        Change::ForgetAuditBefore(time, limit) => any(
            db,
            FORGET_AUDIT,
            params![time.as_millis(), read::limit(limit)],
        ),
        Change::PutTicket(ticket) => one(
            db,
            "INSERT OR IGNORE INTO ticket VALUES (?1, ?2, ?3, ?4)",
            params![
                ticket.hash,
                ticket.client,
                ticket.sign_in,
                ticket.expires_at.as_millis()
            ],
        ),
        Change::TakeTicket { hash } => one(db, "DELETE FROM ticket WHERE hash = ?1", params![hash]),
        Change::ForgetTicketsBefore(time) => any(
            db,
            "DELETE FROM ticket WHERE expires_at < ?1",
            params![time.as_millis()],
        ),
        Change::SetFact { name, value } => any(
            db,
            "INSERT OR REPLACE INTO fact VALUES (?1, ?2)",
            params![name, value],
        ),
    }
}

fn start(db: &Connection, s: &Session) -> Result<bool> {
    let (end_reason, ended_at) = ended(s.life);
    one(
        db,
        "INSERT OR IGNORE INTO session VALUES (NULL, ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, \
         ?16, ?17, ?18, ?19, ?20, ?21, ?22, ?23, ?24, ?25)",
        params![
            s.id.0,
            s.user.0,
            s.client,
            end_reason,
            ended_at,
            flags(s.flags),
            signed(s.generation.0),
            s.key.0,
            s.previous_key.0,
            s.secret.0,
            produced_by(s),
            s.predecessor_attempt.map(|a| a.0),
            forgiven(s),
            s.rotated_at.as_millis(),
            s.active_at.as_millis(),
            s.started_at.as_millis(),
            s.authenticated_at.as_millis(),
            idle(s.idle),
            s.absolute_end.map(Timestamp::as_millis),
            signed(s.version),
            s.scope,
            s.acr,
            s.device_name,
            s.user_agent,
            s.ip
        ],
    )
}

macro_rules! swap {
    ($by:literal) => {
        concat!(
            "UPDATE session SET end_reason = ?1, ended_at = ?2, flags = flags | ?3, generation = ?4, key = ?5, \
             previous_key = ?6, secret = ?7, produced_by = ?8, predecessor_attempt = ?9, forgiven = max(forgiven, ?10), \
             rotated_at = ?11, active_at = max(active_at, ?12), authenticated_at = ?13, idle = ?14, absolute_end = ?15, \
             version = ?16, acr = ?17 \
             WHERE ",
            $by,
            " = ?18 AND end_reason = 0 AND generation = ?19 AND key = ?20 AND secret = ?21 AND rotated_at = ?22 \
             AND authenticated_at = ?23"
        )
    };
}

/// One statement. What sticks (flags, what was forgiven, activity) merges, so that two writers who saw the same generation
/// do not undo each other.
fn swap(db: &Connection, seen: &Session, next: &Session, user: &Standing) -> Result<bool> {
    let sql = concat!(
        swap!("id"),
        " AND EXISTS (SELECT 1 FROM user WHERE user.key = session.user AND user.version = ?24 AND user.disabled = ?25 \
         AND user.deleted = ?26 AND user.reauth_at IS ?27)"
    );
    let of_user: [&dyn ToSql; 4] = [
        &signed(user.version),
        &user.disabled,
        &user.deleted,
        &user.reauth_at.map(Timestamp::as_millis),
    ];
    swap_by(db, sql, &seen.id.0, seen, next, &of_user)
}

/// The hot path: the same where session and user were read in the same transaction, from this row.
pub(super) fn swap_of_row(
    db: &Connection,
    row: i64,
    seen: &Session,
    next: &Session,
) -> Result<bool> {
    swap_by(db, swap!("row"), &row, seen, next, &[])
}

fn swap_by(
    db: &Connection,
    sql: &str,
    by: &dyn ToSql,
    seen: &Session,
    next: &Session,
    of_user: &[&dyn ToSql],
) -> Result<bool> {
    let (end_reason, ended_at) = ended(next.life);
    let of_session: [&dyn ToSql; 23] = [
        &end_reason,
        &ended_at,
        &flags(next.flags),
        &signed(next.generation.0),
        &next.key.0,
        &next.previous_key.0,
        &next.secret.0,
        &produced_by(next),
        &next.predecessor_attempt.map(|a| a.0),
        &forgiven(next),
        &next.rotated_at.as_millis(),
        &next.active_at.as_millis(),
        &next.authenticated_at.as_millis(),
        &idle(next.idle),
        &next.absolute_end.map(Timestamp::as_millis),
        &signed(next.version),
        &next.acr,
        by,
        &signed(seen.generation.0),
        &seen.key.0,
        &seen.secret.0,
        &seen.rotated_at.as_millis(),
        &seen.authenticated_at.as_millis(),
    ];
    let values = of_session.iter().chain(of_user);
    let changed = db
        .prepare_cached(sql)?
        .execute(rusqlite::params_from_iter(values))?;
    Ok(changed == 1)
}

fn write_user(db: &Connection, sql: &str, user: &User) -> Result<bool> {
    let standing = &user.standing;
    one(
        db,
        sql,
        params![
            user.key.0,
            user.sub,
            user.login,
            user.password_hash,
            user.claims,
            signed(standing.version),
            standing.disabled,
            standing.deleted,
            standing.reauth_at.map(Timestamp::as_millis),
            standing.last_sign_in.map(Timestamp::as_millis),
            user.created_at.as_millis(),
            user.deleted_at.map(Timestamp::as_millis),
            signed(user.revision)
        ],
    )
}

/// The head is read and written under the one writer's transaction, so numbers have no holes and follow the commits.
fn append_feed(db: &Connection, entry: NewFeedEntry, committed: &mut Committed) -> Result<bool> {
    if entry.kind == prolong_core::FeedKind::TokenGeneration {
        any(
            db,
            "DELETE FROM feed_entry WHERE kind = 84 AND key = ?1",
            params![entry.key],
        )?;
    }
    let head = read::feed_head(db)?.after(&entry);
    let (seq, chain) = (head.seq, head.chain);
    any(
        db,
        "INSERT INTO feed_entry VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
        params![
            signed(seq),
            entry.kind.letter(),
            entry.key,
            signed(entry.arg),
            entry.until,
            chain
        ],
    )?;
    committed.feed = Some(head);
    committed.feed_lines.push(FeedLine { seq, chain, entry });
    any(
        db,
        "UPDATE feed_head SET seq = ?1, chain = ?2",
        params![signed(seq), chain],
    )
}

fn one(db: &Connection, sql: &str, values: &[&dyn ToSql]) -> Result<bool> {
    Ok(db.prepare_cached(sql)?.execute(values)? == 1)
}

fn any(db: &Connection, sql: &str, values: &[&dyn ToSql]) -> Result<bool> {
    db.prepare_cached(sql)?.execute(values).map(|_| true)
}

fn ended(life: Life) -> (u8, Option<i64>) {
    match life {
        Life::Live => (0, None),
        Life::Ended { reason, at } => (reason.number(), Some(at.as_millis())),
    }
}

fn flags(flags: Flags) -> u8 {
    u8::from(flags.attempts_seen)
        | u8::from(flags.evidence_seen) << 1
        | u8::from(flags.remember) << 2
}

fn produced_by(session: &Session) -> Option<&[u8]> {
    match &session.produced_by {
        ProducedBy::Unnamed => None,
        ProducedBy::Adopted => Some(&[]),
        ProducedBy::Attempt(hash) => Some(&hash.0),
    }
}

fn forgiven(session: &Session) -> i64 {
    session
        .forgiven
        .map_or(-1, |generation| signed(generation.0))
}

fn idle(limit: Limit) -> Option<i64> {
    match limit {
        Limit::After(span) => Some(i64::try_from(span.as_millis()).unwrap_or(i64::MAX)),
        Limit::Never => None,
    }
}

const fn signed(number: u64) -> i64 {
    number.cast_signed()
}

/// Lines are in the order of their time, so the first ones say whether any is old: all are never looked through.
const FORGET_AUDIT: &str = "DELETE FROM audit WHERE id IN (
    SELECT id FROM (SELECT id, at FROM audit ORDER BY id LIMIT ?2) WHERE at < ?1)";

#[cfg(test)]
mod tests {
    use rusqlite::StatementStatus;

    use super::*;

    /// It is asked each half-minute, on the writer's own time.
    #[test]
    fn a_long_audit_log_without_an_old_line_is_not_looked_through() {
        let folder = tempfile::tempdir().unwrap();
        let db = crate::sqlite::open::writer(&folder.path().join("x.db"), [1; 16]).unwrap();
        let lines = "INSERT INTO audit (at, what, actor, detail)
            WITH RECURSIVE n (at) AS (SELECT 1000 UNION ALL SELECT at + 1 FROM n WHERE at < 5999)
            SELECT at, 'user.changed', 'operator', '{}' FROM n";
        assert_eq!(db.execute(lines, []).unwrap(), 5000);
        let mut forget = db.prepare(FORGET_AUDIT).unwrap();
        assert_eq!(forget.execute(params![1000, 100]).unwrap(), 0);
        let steps = forget.get_status(StatementStatus::FullscanStep);
        assert!(steps <= 200, "{steps} lines were looked at");
        assert_eq!(forget.execute(params![1250, 100]).unwrap(), 100);
        assert_eq!(forget.execute(params![1150, 100]).unwrap(), 50);
    }
}
