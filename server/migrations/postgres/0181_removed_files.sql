-- A file that was removed keeps its row: plans, jobs and dossiers name it. `has_bytes` is 0 once its object is gone, and
-- `releasing_ms` is set while that is being deleted: the same content must not be stored meanwhile.
ALTER TABLE files ADD COLUMN removed_ms BIGINT NOT NULL DEFAULT 0; -- 0 while it is kept
ALTER TABLE files ADD COLUMN removed_by TEXT NOT NULL DEFAULT '';
ALTER TABLE files ADD COLUMN has_bytes BIGINT NOT NULL DEFAULT 1;
ALTER TABLE files ADD COLUMN releasing_ms BIGINT NOT NULL DEFAULT 0;
DROP INDEX files_by_trust;
CREATE INDEX files_by_trust ON files (cluster, trust, removed_ms, size);
CREATE INDEX files_to_release ON files (id) WHERE removed_ms > 0 AND has_bytes = 1;
