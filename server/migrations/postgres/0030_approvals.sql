-- Who approved what: the vote is bound to the plan's hash.
CREATE TABLE plan_votes (
    plan_id   TEXT NOT NULL REFERENCES plans (id),
    user_id   TEXT NOT NULL REFERENCES users (id),
    "user"    TEXT NOT NULL,
    plan_hash TEXT NOT NULL,
    at_ms     BIGINT NOT NULL,
    PRIMARY KEY (plan_id, user_id)
);

-- The empty cluster is for all that has no policy of its own.
CREATE TABLE policies (
    cluster     TEXT COLLATE "C" PRIMARY KEY,
    policy_json TEXT NOT NULL,
    set_by      TEXT NOT NULL,
    set_ms      BIGINT NOT NULL
);

-- Plans that were run without approval. A review is closed once, and never taken away.
CREATE TABLE reviews (
    id           TEXT PRIMARY KEY,
    plan_id      TEXT NOT NULL UNIQUE REFERENCES plans (id),
    broken_by_id TEXT NOT NULL,
    broken_by    TEXT NOT NULL,
    broken_ms    BIGINT NOT NULL,
    reason       TEXT NOT NULL,
    closed_by    TEXT NOT NULL DEFAULT '',
    closed_ms    BIGINT NOT NULL DEFAULT 0,
    note         TEXT NOT NULL DEFAULT ''
);
CREATE TRIGGER reviews_stay BEFORE DELETE ON reviews
    FOR EACH ROW EXECUTE FUNCTION refuse('a review stays');
