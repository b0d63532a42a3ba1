-- The ledger. Its truth is `canonical`; all else in a row is there to find it by. Nothing in it is ever changed.

CREATE TABLE ledger_entries (
    idx       BIGINT PRIMARY KEY,
    leaf      BYTEA NOT NULL,
    canonical BYTEA NOT NULL,
    at_ms     BIGINT NOT NULL,
    closes    BIGINT REFERENCES ledger_entries (idx),
    who       TEXT NOT NULL,
    act       TEXT NOT NULL,
    cluster   TEXT,
    plan      TEXT,
    job       TEXT
);
CREATE UNIQUE INDEX ledger_entries_by_closes ON ledger_entries (closes) WHERE closes IS NOT NULL;
CREATE INDEX ledger_entries_by_who ON ledger_entries (who, idx);
CREATE INDEX ledger_entries_by_act ON ledger_entries (act, idx);
CREATE INDEX ledger_entries_by_cluster ON ledger_entries (cluster, idx) WHERE cluster IS NOT NULL;
CREATE INDEX ledger_entries_by_plan ON ledger_entries (plan, idx) WHERE plan IS NOT NULL;
CREATE INDEX ledger_entries_by_job ON ledger_entries (job, idx) WHERE job IS NOT NULL;
CREATE TRIGGER ledger_entries_are_final BEFORE UPDATE OR DELETE ON ledger_entries
    FOR EACH ROW EXECUTE FUNCTION refuse('the ledger is append-only');
CREATE TRIGGER ledger_entries_stay BEFORE TRUNCATE ON ledger_entries
    EXECUTE FUNCTION refuse('the ledger is append-only');

-- Hashes of complete subtrees of 256^level leaves, for levels from 1.
CREATE TABLE ledger_nodes (
    level BIGINT NOT NULL,
    idx   BIGINT NOT NULL,
    hash  BYTEA NOT NULL,
    PRIMARY KEY (level, idx)
);

-- One signed checkpoint for each batch that was written.
CREATE TABLE ledger_checkpoints (
    size BIGINT PRIMARY KEY,
    note TEXT NOT NULL
);

-- Acts that were opened and not yet closed, by the process that will close them.
CREATE TABLE ledger_open (
    idx    BIGINT PRIMARY KEY REFERENCES ledger_entries (idx),
    writer TEXT NOT NULL
);
