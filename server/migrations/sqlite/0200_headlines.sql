-- What a list says of a plan and of its job beside its target, whatever system they are of: the names of the files that
-- they rest on, and a headline of labelled values. A revision of 0, and 0 members, were not known.
ALTER TABLE plans RENAME COLUMN file_name TO file_names; -- one a line
ALTER TABLE plans ADD COLUMN headline_json TEXT NOT NULL DEFAULT '[]';
UPDATE plans SET headline_json = '[{"key":"revision","label":"Revision"'
    || CASE WHEN revision = 0 THEN '' ELSE ',"value":{"type":"revision","value":"' || CAST(revision AS TEXT) || '"}' END
    || '},{"key":"members","label":"Members"'
    || CASE WHEN members = 0 THEN '' ELSE ',"value":{"type":"count","value":"' || CAST(members AS TEXT) || '"}' END
    || '}]';
-- The number of its first value, to order lists by; 0 where that is none.
ALTER TABLE plans RENAME COLUMN revision TO headline_number;
ALTER TABLE plans DROP COLUMN members;

ALTER TABLE jobs RENAME COLUMN file_name TO file_names;
ALTER TABLE jobs ADD COLUMN headline_json TEXT NOT NULL DEFAULT '[]';
UPDATE jobs SET headline_json = '[{"key":"revision","label":"Revision"'
    || CASE WHEN revision = 0 THEN '' ELSE ',"value":{"type":"revision","value":"' || CAST(revision AS TEXT) || '"}' END
    || '},{"key":"members","label":"Members"'
    || CASE WHEN members = 0 THEN '' ELSE ',"value":{"type":"count","value":"' || CAST(members AS TEXT) || '"}' END
    || '}]';
ALTER TABLE jobs DROP COLUMN revision;
ALTER TABLE jobs DROP COLUMN members;
