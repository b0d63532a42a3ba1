-- Times are milliseconds since the Unix epoch. Ids are random text.

CREATE TABLE users (
    id            TEXT PRIMARY KEY,
    name          TEXT NOT NULL UNIQUE COLLATE NOCASE,
    password_hash TEXT NOT NULL,
    created_ms    INTEGER NOT NULL
) STRICT;

-- Only the hash of a session's token is kept.
CREATE TABLE sessions (
    token_hash TEXT PRIMARY KEY,
    user_id    TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    created_ms INTEGER NOT NULL,
    expires_ms INTEGER NOT NULL
) STRICT;
CREATE INDEX sessions_by_expiry ON sessions (expires_ms);

-- The id is the SHA-256 of the file. What lists filter and sort by is a column; what else they show of a file of its
-- kind is its headline.
CREATE TABLE files (
    id              TEXT PRIMARY KEY,
    name            TEXT NOT NULL,
    size            INTEGER NOT NULL,
    uploaded_ms     INTEGER NOT NULL,
    uploaded_by     TEXT NOT NULL,
    origin          TEXT NOT NULL, -- upload, evidence
    kind            TEXT NOT NULL, -- etcd-snapshot, etcd-db, …
    trust           TEXT NOT NULL, -- verified, unproven, damaged, unknown
    headline_json   TEXT NOT NULL, -- a sentence and labelled values
    headline_text   TEXT NOT NULL, -- the values alone, to look for words in
    inspection_json TEXT NOT NULL
) STRICT;

-- `safe_bytes` are on the medium. `sha256` and `inspection_json` are set when the last byte has arrived, before
-- the file is moved to the objects: a server killed in between finishes the move.
CREATE TABLE uploads (
    id              TEXT PRIMARY KEY,
    name            TEXT NOT NULL,
    length          INTEGER NOT NULL,
    safe_bytes      INTEGER NOT NULL,
    owner_id        TEXT NOT NULL REFERENCES users (id),
    owner           TEXT NOT NULL,
    started_ms      INTEGER NOT NULL,
    touched_ms      INTEGER NOT NULL,
    sha256          TEXT,
    inspection_json TEXT
) STRICT;

CREATE TABLE plans (
    id               TEXT PRIMARY KEY,
    hash             TEXT NOT NULL UNIQUE,
    outcome          TEXT NOT NULL,
    author_id        TEXT NOT NULL REFERENCES users (id),
    author           TEXT NOT NULL,
    sealed_ms        INTEGER NOT NULL,
    expires_ms       INTEGER NOT NULL,
    state            TEXT NOT NULL,
    decided_by       TEXT NOT NULL DEFAULT '',
    decided_ms       INTEGER NOT NULL DEFAULT 0,
    reason           TEXT NOT NULL DEFAULT '',
    plan_json        TEXT NOT NULL
) STRICT;

-- What a plan rests on, in its order: files by their SHA-256, observations by their id. `sealed_ms` and `cluster` are the
-- plan's, which never change: plans are counted and listed by what they rest on in the index alone.
CREATE TABLE plan_inputs (
    plan_id   TEXT NOT NULL REFERENCES plans (id),
    position  INTEGER NOT NULL,
    kind      TEXT NOT NULL, -- file, observation
    id        TEXT NOT NULL,
    sealed_ms INTEGER NOT NULL,
    cluster   TEXT NOT NULL,
    PRIMARY KEY (plan_id, position)
) STRICT, WITHOUT ROWID;
CREATE INDEX plan_inputs_by_id ON plan_inputs (id, sealed_ms DESC, plan_id, cluster);

CREATE TABLE jobs (
    id             TEXT PRIMARY KEY,
    plan_id        TEXT NOT NULL UNIQUE REFERENCES plans (id),
    started_by     TEXT NOT NULL,
    created_ms     INTEGER NOT NULL,
    over           INTEGER NOT NULL DEFAULT 0,
    lease_owner    TEXT NOT NULL DEFAULT '',
    lease_until_ms INTEGER NOT NULL DEFAULT 0
) STRICT;

-- The journal. Nothing in it is ever changed.
CREATE TABLE job_events (
    job_id    TEXT NOT NULL REFERENCES jobs (id),
    seq       INTEGER NOT NULL,
    at_ms     INTEGER NOT NULL,
    body_json TEXT NOT NULL,
    PRIMARY KEY (job_id, seq)
) STRICT, WITHOUT ROWID;
CREATE TRIGGER job_events_are_final BEFORE UPDATE ON job_events
BEGIN
    SELECT RAISE(ABORT, 'the journal is append-only');
END;
CREATE TRIGGER job_events_stay BEFORE DELETE ON job_events
BEGIN
    SELECT RAISE(ABORT, 'the journal is append-only');
END;
