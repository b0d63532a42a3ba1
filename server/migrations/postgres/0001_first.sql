-- Times are milliseconds since the Unix epoch. Ids are random text.

CREATE TABLE users (
    id            TEXT PRIMARY KEY,
    name          TEXT COLLATE "C" NOT NULL,
    password_hash TEXT NOT NULL,
    created_ms    BIGINT NOT NULL
);
-- By the collation C, which knows the letters of ASCII alone: as SQLite compares names.
CREATE UNIQUE INDEX users_by_name ON users (lower(name));

-- The id is the SHA-256 of the file. What lists filter and sort by is a column; what else they show of a file of its
-- kind is its headline.
CREATE TABLE files (
    id              TEXT PRIMARY KEY,
    name            TEXT NOT NULL,
    size            BIGINT NOT NULL,
    uploaded_ms     BIGINT NOT NULL,
    uploaded_by     TEXT NOT NULL,
    origin          TEXT NOT NULL, -- upload, evidence
    kind            TEXT NOT NULL, -- etcd-snapshot, etcd-db, …
    trust           TEXT NOT NULL, -- verified, unproven, damaged, unknown
    headline_json   TEXT NOT NULL, -- a sentence and labelled values
    headline_text   TEXT NOT NULL, -- the values alone, to look for words in
    inspection_json TEXT NOT NULL
);

-- `safe_bytes` are on the medium. `sha256` and `inspection_json` are set when the last byte has arrived, before
-- the file is moved to the objects: a server killed in between finishes the move.
CREATE TABLE uploads (
    id              TEXT PRIMARY KEY,
    name            TEXT NOT NULL,
    length          BIGINT NOT NULL,
    safe_bytes      BIGINT NOT NULL,
    owner_id        TEXT NOT NULL REFERENCES users (id),
    owner           TEXT NOT NULL,
    started_ms      BIGINT NOT NULL,
    touched_ms      BIGINT NOT NULL,
    sha256          TEXT,
    inspection_json TEXT
);

CREATE TABLE plans (
    id               TEXT PRIMARY KEY,
    hash             TEXT NOT NULL UNIQUE,
    outcome          TEXT NOT NULL,
    author_id        TEXT NOT NULL REFERENCES users (id),
    author           TEXT NOT NULL,
    sealed_ms        BIGINT NOT NULL,
    expires_ms       BIGINT NOT NULL,
    state            TEXT NOT NULL,
    decided_by       TEXT NOT NULL DEFAULT '',
    decided_ms       BIGINT NOT NULL DEFAULT 0,
    reason           TEXT NOT NULL DEFAULT '',
    plan_json        TEXT NOT NULL
);

-- What a plan rests on, in its order: files by their SHA-256, observations by their id. `sealed_ms` and `cluster` are the
-- plan's, which never change: plans are counted and listed by what they rest on in the index alone.
CREATE TABLE plan_inputs (
    plan_id   TEXT NOT NULL REFERENCES plans (id),
    position  BIGINT NOT NULL,
    kind      TEXT NOT NULL, -- file, observation
    id        TEXT NOT NULL,
    sealed_ms BIGINT NOT NULL,
    cluster   TEXT NOT NULL,
    PRIMARY KEY (plan_id, position)
);
CREATE INDEX plan_inputs_by_id ON plan_inputs (id, sealed_ms DESC, plan_id, cluster);

CREATE TABLE jobs (
    id             TEXT PRIMARY KEY,
    plan_id        TEXT NOT NULL UNIQUE REFERENCES plans (id),
    started_by     TEXT NOT NULL,
    created_ms     BIGINT NOT NULL,
    over           BIGINT NOT NULL DEFAULT 0,
    lease_owner    TEXT NOT NULL DEFAULT '',
    lease_until_ms BIGINT NOT NULL DEFAULT 0
);

-- The journal. Nothing in it is ever changed.
CREATE TABLE job_events (
    job_id    TEXT NOT NULL REFERENCES jobs (id),
    seq       BIGINT NOT NULL,
    at_ms     BIGINT NOT NULL,
    body_json TEXT NOT NULL,
    PRIMARY KEY (job_id, seq)
);

-- Raises what the trigger's argument says.
CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '%', TG_ARGV[0];
END
$$;
CREATE TRIGGER job_events_are_final BEFORE UPDATE OR DELETE ON job_events
    FOR EACH ROW EXECUTE FUNCTION refuse('the journal is append-only');
CREATE TRIGGER job_events_stay BEFORE TRUNCATE ON job_events
    EXECUTE FUNCTION refuse('the journal is append-only');
