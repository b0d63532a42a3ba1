-- Roles as the console writes them: `operator, approver@prod-etcd`. Whoever was here before there were roles was
-- made as the first administrator.
ALTER TABLE users ADD COLUMN grants TEXT NOT NULL DEFAULT '';
UPDATE users SET grants = 'operator, approver, admin';
-- 0 while the account may be used.
ALTER TABLE users ADD COLUMN disabled_ms INTEGER NOT NULL DEFAULT 0;
-- Who the account is at the identity provider; both empty for a local account.
ALTER TABLE users ADD COLUMN issuer TEXT NOT NULL DEFAULT '';
ALTER TABLE users ADD COLUMN subject TEXT NOT NULL DEFAULT '';
CREATE UNIQUE INDEX users_by_subject ON users (issuer, subject) WHERE subject <> '';

-- One-time links by which an account gets its password; a newer one replaces the older.
CREATE TABLE password_links (
    user_id    TEXT PRIMARY KEY REFERENCES users (id) ON DELETE CASCADE,
    token_hash TEXT NOT NULL UNIQUE,
    made_by    TEXT NOT NULL,
    created_ms INTEGER NOT NULL,
    expires_ms INTEGER NOT NULL
) STRICT;

-- Sessions get a name that may be shown, and where they come from. Those of before end here.
DROP TABLE sessions;
CREATE TABLE sessions (
    id         TEXT PRIMARY KEY,
    token_hash TEXT NOT NULL UNIQUE,
    user_id    TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    created_ms INTEGER NOT NULL,
    expires_ms INTEGER NOT NULL,
    seen_ms    INTEGER NOT NULL,
    address    TEXT NOT NULL,
    agent      TEXT NOT NULL,
    by         TEXT NOT NULL
) STRICT;
CREATE INDEX sessions_by_expiry ON sessions (expires_ms);
CREATE INDEX sessions_by_user ON sessions (user_id);

-- For programs. Rows stay after the end, so that the ledger's ids keep a name.
CREATE TABLE api_tokens (
    id         TEXT PRIMARY KEY,
    token_hash TEXT NOT NULL UNIQUE,
    name       TEXT NOT NULL,
    user_id    TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    grants     TEXT NOT NULL,
    created_ms INTEGER NOT NULL,
    expires_ms INTEGER NOT NULL,
    used_ms    INTEGER NOT NULL DEFAULT 0,
    revoked_ms INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE INDEX api_tokens_by_user ON api_tokens (user_id);
