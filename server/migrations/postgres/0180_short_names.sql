-- As SQLite names it.
CREATE FUNCTION instr(text, text) RETURNS INTEGER LANGUAGE sql IMMUTABLE PARALLEL SAFE AS 'SELECT strpos($1, $2)';

-- What a list says of a plan and of its job in one line, and what they are found by. The number is given at sealing, once
-- for each plan of the console, and never again; a job goes by the number of its plan.
ALTER TABLE plans ADD COLUMN number BIGINT NOT NULL DEFAULT 0;
ALTER TABLE plans ADD COLUMN file_name TEXT NOT NULL DEFAULT '';
ALTER TABLE plans ADD COLUMN revision BIGINT NOT NULL DEFAULT 0;
ALTER TABLE plans ADD COLUMN members BIGINT NOT NULL DEFAULT 0;
ALTER TABLE plans ADD COLUMN target TEXT NOT NULL DEFAULT ''; -- ROOT/PATH, empty for a download
UPDATE plans SET
    number = counted.number,
    file_name = COALESCE((SELECT files.name FROM plan_inputs JOIN files ON files.id = plan_inputs.id
        WHERE plan_inputs.plan_id = plans.id AND plan_inputs.kind = 'file'), ''),
    members = CASE WHEN json_typeof(plan_json::json #> '{request,members}') = 'array'
        THEN json_array_length(plan_json::json #> '{request,members}') ELSE 0 END,
    target = COALESCE((plan_json::json #>> '{request,target,root}') || '/'
        || (plan_json::json #>> '{request,target,path}'), '')
    FROM (SELECT id, ROW_NUMBER() OVER (ORDER BY sealed_ms, id) AS number FROM plans) AS counted
    WHERE counted.id = plans.id;
ALTER TABLE plans ADD COLUMN found_by TEXT GENERATED ALWAYS AS (lower(cluster || ' #' || CAST(number AS TEXT) || ' ' || id
    || ' ' || hash || ' ' || file_name || ' ' || author || ' ' || target)) STORED;
CREATE UNIQUE INDEX plans_by_number ON plans (number) WHERE number > 0;

ALTER TABLE jobs ADD COLUMN number BIGINT NOT NULL DEFAULT 0;
ALTER TABLE jobs ADD COLUMN file_name TEXT NOT NULL DEFAULT '';
ALTER TABLE jobs ADD COLUMN revision BIGINT NOT NULL DEFAULT 0;
ALTER TABLE jobs ADD COLUMN members BIGINT NOT NULL DEFAULT 0;
ALTER TABLE jobs ADD COLUMN target TEXT NOT NULL DEFAULT '';
UPDATE jobs SET number = plans.number, file_name = plans.file_name, revision = plans.revision, members = plans.members,
    target = plans.target FROM plans WHERE plans.id = jobs.plan_id;
ALTER TABLE jobs ADD COLUMN found_by TEXT GENERATED ALWAYS AS (lower(cluster || ' #' || CAST(number AS TEXT) || ' ' || id
    || ' ' || plan_id || ' ' || file_name || ' ' || started_by || ' ' || target)) STORED;
