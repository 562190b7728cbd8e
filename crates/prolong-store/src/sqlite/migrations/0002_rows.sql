-- Rows in trees by number, whose inner pages hold numbers instead of whole rows: docs/decisions/0041. Indexes as before.
CREATE TABLE user_rows (
    row INTEGER PRIMARY KEY,
    key BLOB NOT NULL, sub TEXT NOT NULL, login TEXT, password_hash TEXT, claims TEXT NOT NULL,
    version INTEGER NOT NULL, disabled INTEGER NOT NULL, deleted INTEGER NOT NULL, reauth_at INTEGER,
    last_sign_in INTEGER, created_at INTEGER NOT NULL, deleted_at INTEGER, revision INTEGER NOT NULL
) STRICT;
INSERT INTO user_rows (key, sub, login, password_hash, claims, version, disabled, deleted, reauth_at, last_sign_in, created_at,
    deleted_at, revision)
SELECT key, sub, login, password_hash, claims, version, disabled, deleted, reauth_at, last_sign_in, created_at,
    deleted_at, revision FROM user ORDER BY created_at, key;
DROP TABLE user;
ALTER TABLE user_rows RENAME TO user;
CREATE UNIQUE INDEX user_by_key ON user (key);
CREATE UNIQUE INDEX user_by_login ON user (login);
CREATE INDEX user_by_sub ON user (sub);

CREATE TABLE session_rows (
    row INTEGER PRIMARY KEY,
    id BLOB NOT NULL, user BLOB NOT NULL, client TEXT NOT NULL, end_reason INTEGER NOT NULL, ended_at INTEGER,
    flags INTEGER NOT NULL, generation INTEGER NOT NULL, key INTEGER NOT NULL, previous_key INTEGER NOT NULL,
    secret BLOB NOT NULL, produced_by BLOB, predecessor_attempt BLOB, forgiven INTEGER NOT NULL,
    rotated_at INTEGER NOT NULL, active_at INTEGER NOT NULL, started_at INTEGER NOT NULL,
    authenticated_at INTEGER NOT NULL, idle INTEGER, absolute_end INTEGER, version INTEGER NOT NULL,
    scope TEXT, acr TEXT, device_name TEXT, user_agent TEXT, ip TEXT
) STRICT;
INSERT INTO session_rows (id, user, client, end_reason, ended_at, flags, generation, key, previous_key, secret, produced_by,
    predecessor_attempt, forgiven, rotated_at, active_at, started_at, authenticated_at, idle, absolute_end, version, scope,
    acr, device_name, user_agent, ip)
SELECT id, user, client, end_reason, ended_at, flags, generation, key, previous_key, secret, produced_by,
    predecessor_attempt, forgiven, rotated_at, active_at, started_at, authenticated_at, idle, absolute_end, version, scope,
    acr, device_name, user_agent, ip
FROM session ORDER BY started_at, id;
DROP TABLE session;
ALTER TABLE session_rows RENAME TO session;
CREATE UNIQUE INDEX session_by_id ON session (id);
CREATE INDEX session_by_user ON session (user, started_at);
