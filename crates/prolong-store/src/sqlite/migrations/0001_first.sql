-- Times are milliseconds since the epoch. No index holds a column that a prolongation changes.
CREATE TABLE user (
    key BLOB PRIMARY KEY, sub TEXT NOT NULL, login TEXT UNIQUE, password_hash TEXT, claims TEXT NOT NULL,
    version INTEGER NOT NULL, disabled INTEGER NOT NULL, deleted INTEGER NOT NULL, reauth_at INTEGER,
    last_sign_in INTEGER, created_at INTEGER NOT NULL, deleted_at INTEGER, revision INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX user_by_sub ON user (sub);

-- end_reason 0: live. produced_by NULL: unnamed, empty: adopted, else the attempt. forgiven -1: none. idle NULL: never.
CREATE TABLE session (
    id BLOB PRIMARY KEY, user BLOB NOT NULL, client TEXT NOT NULL, end_reason INTEGER NOT NULL, ended_at INTEGER,
    flags INTEGER NOT NULL, generation INTEGER NOT NULL, key INTEGER NOT NULL, previous_key INTEGER NOT NULL,
    secret BLOB NOT NULL, produced_by BLOB, predecessor_attempt BLOB, forgiven INTEGER NOT NULL,
    rotated_at INTEGER NOT NULL, active_at INTEGER NOT NULL, started_at INTEGER NOT NULL,
    authenticated_at INTEGER NOT NULL, idle INTEGER, absolute_end INTEGER, version INTEGER NOT NULL,
    scope TEXT, acr TEXT, device_name TEXT, user_agent TEXT, ip TEXT
) STRICT, WITHOUT ROWID;
CREATE INDEX session_by_user ON session (user, started_at);

CREATE TABLE signing_key (
    kid TEXT PRIMARY KEY, algorithm TEXT NOT NULL, state INTEGER NOT NULL, public_jwk TEXT NOT NULL,
    sealed BLOB NOT NULL, created_at INTEGER NOT NULL, state_since INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE feed_head (one INTEGER PRIMARY KEY CHECK (one = 1), epoch BLOB NOT NULL, seq INTEGER NOT NULL, chain BLOB NOT NULL) STRICT;
CREATE TABLE feed_entry (
    seq INTEGER PRIMARY KEY, kind INTEGER NOT NULL, key BLOB NOT NULL, arg INTEGER NOT NULL, until INTEGER NOT NULL,
    chain BLOB NOT NULL
) STRICT;
CREATE INDEX feed_generation ON feed_entry (key) WHERE kind = 84;

CREATE TABLE audit (
    id INTEGER PRIMARY KEY AUTOINCREMENT, at INTEGER NOT NULL, what TEXT NOT NULL, actor TEXT NOT NULL,
    user BLOB, session BLOB, detail TEXT NOT NULL
) STRICT;
CREATE INDEX audit_by_user ON audit (user) WHERE user IS NOT NULL;
CREATE INDEX audit_by_session ON audit (session) WHERE session IS NOT NULL;

CREATE TABLE ticket (hash BLOB PRIMARY KEY, client TEXT NOT NULL, sign_in TEXT NOT NULL, expires_at INTEGER NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE fact (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;
