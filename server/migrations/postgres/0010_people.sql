-- Roles as the console writes them: `operator, approver@prod-etcd`.
ALTER TABLE users ADD COLUMN grants TEXT NOT NULL DEFAULT '';
-- 0 while the account may be used.
ALTER TABLE users ADD COLUMN disabled_ms BIGINT NOT NULL DEFAULT 0;
-- Who the account is at the identity provider; both empty for a local account.
ALTER TABLE users ADD COLUMN issuer TEXT NOT NULL DEFAULT '';
ALTER TABLE users ADD COLUMN subject TEXT NOT NULL DEFAULT '';
CREATE UNIQUE INDEX users_by_subject ON users (issuer, subject) WHERE subject <> '';

-- One-time links by which an account gets its password; a newer one replaces the older.
CREATE TABLE password_links (
    user_id    TEXT PRIMARY KEY REFERENCES users (id) ON DELETE CASCADE,
    token_hash TEXT NOT NULL UNIQUE,
    made_by    TEXT NOT NULL,
    created_ms BIGINT NOT NULL,
    expires_ms BIGINT NOT NULL
);

-- Only the hash of a token is kept.
CREATE TABLE sessions (
    id         TEXT PRIMARY KEY,
    token_hash TEXT NOT NULL UNIQUE,
    user_id    TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    created_ms BIGINT NOT NULL,
    expires_ms BIGINT NOT NULL,
    seen_ms    BIGINT NOT NULL,
    address    TEXT NOT NULL,
    agent      TEXT NOT NULL,
    by         TEXT NOT NULL
);
CREATE INDEX sessions_by_expiry ON sessions (expires_ms);
CREATE INDEX sessions_by_user ON sessions (user_id);

-- For programs. Rows stay after the end, so that the ledger's ids keep a name.
CREATE TABLE api_tokens (
    id         TEXT PRIMARY KEY,
    token_hash TEXT NOT NULL UNIQUE,
    name       TEXT NOT NULL,
    user_id    TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    grants     TEXT NOT NULL,
    created_ms BIGINT NOT NULL,
    expires_ms BIGINT NOT NULL,
    used_ms    BIGINT NOT NULL DEFAULT 0,
    revoked_ms BIGINT NOT NULL DEFAULT 0
);
CREATE INDEX api_tokens_by_user ON api_tokens (user_id);
