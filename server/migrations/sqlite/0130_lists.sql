-- What lists show, find and count rows by, kept beside what it is made of: a list reads neither journals nor documents.

-- Folded from the journal, and written with each of its entries. `cluster` and `title` are the plan's.
ALTER TABLE jobs ADD COLUMN cluster TEXT NOT NULL DEFAULT '';
ALTER TABLE jobs ADD COLUMN title TEXT NOT NULL DEFAULT '';
ALTER TABLE jobs ADD COLUMN state TEXT NOT NULL DEFAULT 'queued';
ALTER TABLE jobs ADD COLUMN sentence TEXT NOT NULL DEFAULT '';
ALTER TABLE jobs ADD COLUMN updated_ms INTEGER NOT NULL DEFAULT 0;
ALTER TABLE jobs ADD COLUMN ended_ms INTEGER NOT NULL DEFAULT 0; -- 0 until it is over
ALTER TABLE jobs ADD COLUMN steps_done INTEGER NOT NULL DEFAULT 0;
ALTER TABLE jobs ADD COLUMN steps_total INTEGER NOT NULL DEFAULT 0;
ALTER TABLE jobs ADD COLUMN failed_check TEXT NOT NULL DEFAULT ''; -- the first verification that failed
ALTER TABLE jobs ADD COLUMN digest_json TEXT NOT NULL DEFAULT ''; -- what the next entry is folded into
CREATE INDEX jobs_by_time ON jobs (created_ms DESC, id);
CREATE INDEX jobs_by_state ON jobs (cluster, state);
CREATE INDEX jobs_held ON jobs (created_ms DESC, id, cluster) WHERE state IN ('waiting', 'paused');
CREATE INDEX jobs_open ON jobs (created_ms) WHERE over = 0;
CREATE INDEX jobs_failed ON jobs (ended_ms, cluster) WHERE failed_check <> '';

ALTER TABLE plans ADD COLUMN weight TEXT NOT NULL DEFAULT ''; -- undoable, destructive
-- The accounts that approved exactly this plan, in order, and whether it was let run without approval: what tells plans
-- that wait for the same people from others.
ALTER TABLE plans ADD COLUMN voters TEXT NOT NULL DEFAULT '';
ALTER TABLE plans ADD COLUMN glass INTEGER NOT NULL DEFAULT 0;
UPDATE plans SET
    voters = COALESCE((SELECT group_concat(user_id, ',') FROM (SELECT user_id FROM plan_votes
        WHERE plan_votes.plan_id = plans.id AND plan_votes.plan_hash = plans.hash ORDER BY user_id)), ''),
    glass = EXISTS (SELECT 1 FROM reviews WHERE reviews.plan_id = plans.id);
CREATE TRIGGER plan_votes_are_counted AFTER INSERT ON plan_votes
BEGIN
    UPDATE plans SET voters = COALESCE((SELECT group_concat(user_id, ',') FROM (SELECT user_id FROM plan_votes
        WHERE plan_votes.plan_id = plans.id AND plan_votes.plan_hash = plans.hash ORDER BY user_id)), '')
        WHERE id = NEW.plan_id;
END;
CREATE TRIGGER reviews_are_counted AFTER INSERT ON reviews
BEGIN
    UPDATE plans SET glass = 1 WHERE id = NEW.plan_id;
END;
CREATE INDEX plans_by_time ON plans (sealed_ms DESC, id);
CREATE INDEX plans_by_state ON plans (cluster, state, expires_ms);
CREATE INDEX plans_open ON plans (cluster, weight, author_id, voters, glass, expires_ms, sealed_ms, id, state)
    WHERE state IN ('sealed', 'approved');
CREATE INDEX plans_open_by_time ON plans (sealed_ms DESC, id) WHERE state IN ('sealed', 'approved');
CREATE INDEX plans_open_by_author ON plans (author_id, expires_ms) WHERE state IN ('sealed', 'approved');

CREATE INDEX files_by_time ON files (uploaded_ms DESC, id);
CREATE INDEX files_by_trust ON files (cluster, trust, size);

CREATE INDEX reviews_closed ON reviews (broken_ms DESC, id) WHERE closed_ms <> 0;
CREATE INDEX reviews_open ON reviews (broken_ms DESC, id) WHERE closed_ms = 0;
