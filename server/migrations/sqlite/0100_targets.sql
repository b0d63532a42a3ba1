-- Where a job puts something: no two that are not over have the same. Empty for a download.
ALTER TABLE jobs ADD COLUMN target_root TEXT NOT NULL DEFAULT '';
ALTER TABLE jobs ADD COLUMN target_path TEXT NOT NULL DEFAULT '';
UPDATE jobs SET
    target_root = COALESCE((SELECT json_extract(plans.plan_json, '$.request.target.root') FROM plans WHERE plans.id = jobs.plan_id), ''),
    target_path = COALESCE((SELECT json_extract(plans.plan_json, '$.request.target.path') FROM plans WHERE plans.id = jobs.plan_id), '');
-- Whether a job is about to end: no wish of a person is taken any more.
ALTER TABLE jobs ADD COLUMN closing INTEGER NOT NULL DEFAULT 0;
