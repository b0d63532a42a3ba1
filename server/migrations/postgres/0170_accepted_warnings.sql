-- The plan's warnings that were accepted with an approval or an override, as JSON; none where an earlier version took it.
ALTER TABLE plan_votes ADD COLUMN accepted_json TEXT;
ALTER TABLE reviews ADD COLUMN accepted_json TEXT;
