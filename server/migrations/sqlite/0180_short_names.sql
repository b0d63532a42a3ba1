-- What a list says of a plan and of its job in one line, and what they are found by. The number is given at sealing, once
-- for each plan of the console, and never again; a job goes by the number of its plan.
ALTER TABLE plans ADD COLUMN number INTEGER NOT NULL DEFAULT 0;
ALTER TABLE plans ADD COLUMN file_name TEXT NOT NULL DEFAULT '';
ALTER TABLE plans ADD COLUMN revision INTEGER NOT NULL DEFAULT 0;
ALTER TABLE plans ADD COLUMN members INTEGER NOT NULL DEFAULT 0;
ALTER TABLE plans ADD COLUMN target TEXT NOT NULL DEFAULT ''; -- ROOT/PATH, empty for a download
UPDATE plans SET
    number = counted.number,
    file_name = COALESCE((SELECT files.name FROM plan_inputs JOIN files ON files.id = plan_inputs.id
        WHERE plan_inputs.plan_id = plans.id AND plan_inputs.kind = 'file'), ''),
    members = COALESCE(json_array_length(plan_json, '$.request.members'), 0),
    target = COALESCE(json_extract(plan_json, '$.request.target.root') || '/'
        || json_extract(plan_json, '$.request.target.path'), '')
    FROM (SELECT id, ROW_NUMBER() OVER (ORDER BY sealed_ms, id) AS number FROM plans) AS counted
    WHERE counted.id = plans.id;
ALTER TABLE plans ADD COLUMN found_by TEXT NOT NULL DEFAULT ''; -- what follows, in small letters
UPDATE plans SET found_by = lower(cluster || ' #' || CAST(number AS TEXT) || ' ' || id || ' ' || hash || ' ' || file_name
    || ' ' || author || ' ' || target);
CREATE TRIGGER plans_are_found AFTER INSERT ON plans
BEGIN
    UPDATE plans SET found_by = lower(cluster || ' #' || CAST(number AS TEXT) || ' ' || id || ' ' || hash || ' '
        || file_name || ' ' || author || ' ' || target) WHERE id = NEW.id;
END;
CREATE UNIQUE INDEX plans_by_number ON plans (number) WHERE number > 0;
-- All that lists search and sort by: a row of plans has its document before these columns, and a search would read it.
CREATE INDEX plans_found ON plans (sealed_ms DESC, id, cluster, number, state, expires_ms, hash, author, author_id,
    decided_by, file_name, revision, target, found_by);

ALTER TABLE jobs ADD COLUMN number INTEGER NOT NULL DEFAULT 0;
ALTER TABLE jobs ADD COLUMN file_name TEXT NOT NULL DEFAULT '';
ALTER TABLE jobs ADD COLUMN revision INTEGER NOT NULL DEFAULT 0;
ALTER TABLE jobs ADD COLUMN members INTEGER NOT NULL DEFAULT 0;
ALTER TABLE jobs ADD COLUMN target TEXT NOT NULL DEFAULT '';
UPDATE jobs SET number = plans.number, file_name = plans.file_name, revision = plans.revision, members = plans.members,
    target = plans.target FROM plans WHERE plans.id = jobs.plan_id;
ALTER TABLE jobs ADD COLUMN found_by TEXT NOT NULL DEFAULT '';
UPDATE jobs SET found_by = lower(cluster || ' #' || CAST(number AS TEXT) || ' ' || id || ' ' || plan_id || ' ' || file_name
    || ' ' || started_by || ' ' || target);
CREATE TRIGGER jobs_are_found AFTER INSERT ON jobs
BEGIN
    UPDATE jobs SET found_by = lower(cluster || ' #' || CAST(number AS TEXT) || ' ' || id || ' ' || plan_id || ' '
        || file_name || ' ' || started_by || ' ' || target) WHERE id = NEW.id;
END;
CREATE INDEX jobs_found ON jobs (created_ms DESC, id, plan_id, cluster, number, state, started_by, file_name, ended_ms,
    failed_check, found_by);
