-- Whether a step of the job is being carried out: a paused job is pausing as long as it is.
ALTER TABLE jobs ADD COLUMN working INTEGER NOT NULL DEFAULT 0;
