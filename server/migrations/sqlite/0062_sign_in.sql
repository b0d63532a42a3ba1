-- One-time links for the first administrator, by the hash of their token. A link is good as long as the server lives
-- that printed it; one without a server, until another is made.
CREATE TABLE setup_links (
    token_hash TEXT PRIMARY KEY,
    server     TEXT NOT NULL
) STRICT;

-- Attempts to come in that failed: by address, and by address and what was typed as the name. What was typed may be a
-- password: a few bits of its hash are kept, enough to tell one name from another.
CREATE TABLE login_failures (
    who     TEXT PRIMARY KEY,
    count   INTEGER NOT NULL,
    last_ms INTEGER NOT NULL
) STRICT;
CREATE INDEX login_failures_by_age ON login_failures (last_ms);
