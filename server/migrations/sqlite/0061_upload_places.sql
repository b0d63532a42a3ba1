-- The data directory that has an upload's bytes, by its name; empty for those of before there were names.
ALTER TABLE uploads ADD COLUMN place TEXT NOT NULL DEFAULT '';
