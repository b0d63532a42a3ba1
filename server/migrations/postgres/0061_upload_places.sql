-- The data directory that has an upload's bytes, by its name.
ALTER TABLE uploads ADD COLUMN place TEXT NOT NULL DEFAULT '';
