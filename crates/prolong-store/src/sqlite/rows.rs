//! Rows to records; a row that makes no sense is an error, never a guess.

use core::time::Duration;

use prolong_core::{
    AttemptHash, EndReason, FeedEntry, FeedKind, Flags, Generation, KeyId, Life, Limit, ProducedBy,
    SecretHash, Session, SessionId, Standing, Timestamp, UserKey,
};
use rusqlite::types::Type;
use rusqlite::{Error, Result, Row};

use crate::{AuditLine, FeedLine, Found, KeyState, SealedKey, Ticket, User};

/// Macros, so that each statement is one literal: nothing is put together per call.
macro_rules! session_columns {
    () => {
        "s.id, s.user, s.client, s.end_reason, s.ended_at, s.flags, s.generation, s.key, \
     s.previous_key, s.secret, s.produced_by, s.predecessor_attempt, s.forgiven, s.rotated_at, s.active_at, \
     s.started_at, s.authenticated_at, s.idle, s.absolute_end, s.version, s.scope, s.acr, s.device_name, \
     s.user_agent, s.ip"
    };
}
pub(super) use session_columns;

const SESSION_COLUMNS: usize = 25;

macro_rules! user_columns {
    () => {
        "u.key, u.sub, u.login, u.password_hash, u.claims, u.version, u.disabled, u.deleted, \
     u.reauth_at, u.last_sign_in, u.created_at, u.deleted_at, u.revision"
    };
}
pub(super) use user_columns;

pub(super) fn found(row: &Row<'_>) -> Result<Found> {
    Ok(Found {
        session: session(row)?,
        user: user_at(row, SESSION_COLUMNS)?,
    })
}

pub(super) fn session_and_row(row: &Row<'_>) -> Result<(i64, Session)> {
    Ok((row.get(SESSION_COLUMNS)?, session(row)?))
}

pub(super) fn session(row: &Row<'_>) -> Result<Session> {
    let flags: i64 = row.get(5)?;
    let produced_by = match row.get::<_, Option<Vec<u8>>>(10)? {
        None => ProducedBy::Unnamed,
        Some(hash) if hash.is_empty() => ProducedBy::Adopted,
        Some(hash) => ProducedBy::Attempt(AttemptHash(hash.try_into().map_err(|_| senseless(10))?)),
    };
    let life = match row.get::<_, u8>(3)? {
        0 => Life::Live,
        number => Life::Ended {
            reason: EndReason::from_number(number).ok_or_else(|| senseless(3))?,
            at: time(row, 4)?,
        },
    };
    let idle = row.get::<_, Option<i64>>(17)?;
    Ok(Session {
        id: SessionId(row.get(0)?),
        user: UserKey(row.get(1)?),
        client: row.get(2)?,
        life,
        flags: Flags {
            attempts_seen: flags & 1 != 0,
            evidence_seen: flags & 2 != 0,
            remember: flags & 4 != 0,
        },
        generation: Generation(number(row, 6)?),
        key: KeyId(row.get(7)?),
        previous_key: KeyId(row.get(8)?),
        secret: SecretHash(row.get(9)?),
        produced_by,
        predecessor_attempt: row.get::<_, Option<_>>(11)?.map(AttemptHash),
        forgiven: u64::try_from(row.get::<_, i64>(12)?).ok().map(Generation),
        rotated_at: time(row, 13)?,
        active_at: time(row, 14)?,
        started_at: time(row, 15)?,
        authenticated_at: time(row, 16)?,
        idle: idle.map_or(Limit::Never, |ms| {
            Limit::After(Duration::from_millis(ms.cast_unsigned()))
        }),
        absolute_end: maybe_time(row, 18)?,
        version: number(row, 19)?,
        scope: row.get(20)?,
        acr: row.get(21)?,
        device_name: row.get(22)?,
        user_agent: row.get(23)?,
        ip: row.get(24)?,
    })
}

pub(super) fn user(row: &Row<'_>) -> Result<User> {
    user_at(row, 0)
}

fn user_at(row: &Row<'_>, at: usize) -> Result<User> {
    Ok(User {
        key: UserKey(row.get(at)?),
        sub: row.get(at + 1)?,
        login: row.get(at + 2)?,
        password_hash: row.get(at + 3)?,
        claims: row.get(at + 4)?,
        standing: Standing {
            version: number(row, at + 5)?,
            disabled: row.get(at + 6)?,
            deleted: row.get(at + 7)?,
            reauth_at: maybe_time(row, at + 8)?,
            last_sign_in: maybe_time(row, at + 9)?,
        },
        created_at: time(row, at + 10)?,
        deleted_at: maybe_time(row, at + 11)?,
        revision: number(row, at + 12)?,
    })
}

pub(super) fn signing_key(row: &Row<'_>) -> Result<SealedKey> {
    Ok(SealedKey {
        kid: row.get(0)?,
        algorithm: row.get(1)?,
        state: KeyState::from_number(row.get(2)?).ok_or_else(|| senseless(2))?,
        public_jwk: row.get(3)?,
        sealed: row.get(4)?,
        created_at: time(row, 5)?,
        state_since: time(row, 6)?,
    })
}

pub(super) fn feed_line(row: &Row<'_>) -> Result<FeedLine> {
    let entry = FeedEntry {
        kind: FeedKind::from_letter(row.get(1)?).ok_or_else(|| senseless(1))?,
        key: row.get(2)?,
        arg: number(row, 3)?,
        until: row.get(4)?,
    };
    Ok(FeedLine {
        seq: number(row, 0)?,
        chain: row.get(5)?,
        entry,
    })
}

pub(super) fn audit_line(row: &Row<'_>) -> Result<AuditLine> {
    Ok(AuditLine {
        id: row.get(0)?,
        at: time(row, 1)?,
        what: row.get(2)?,
        actor: row.get(3)?,
        user: row.get::<_, Option<_>>(4)?.map(UserKey),
        session: row.get::<_, Option<_>>(5)?.map(SessionId),
        detail: row.get(6)?,
    })
}

pub(super) fn ticket(row: &Row<'_>) -> Result<Ticket> {
    Ok(Ticket {
        hash: row.get(0)?,
        client: row.get(1)?,
        sign_in: row.get(2)?,
        expires_at: time(row, 3)?,
    })
}

pub(super) fn number(row: &Row<'_>, at: usize) -> Result<u64> {
    row.get::<_, i64>(at).map(i64::cast_unsigned)
}

fn time(row: &Row<'_>, at: usize) -> Result<Timestamp> {
    row.get(at).map(Timestamp::from_millis)
}

fn maybe_time(row: &Row<'_>, at: usize) -> Result<Option<Timestamp>> {
    Ok(row.get::<_, Option<i64>>(at)?.map(Timestamp::from_millis))
}

fn senseless(column: usize) -> Error {
    Error::FromSqlConversionFailure(column, Type::Null, "a value of no known meaning".into())
}
