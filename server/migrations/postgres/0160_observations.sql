-- What was seen outside of the console, and when. Those of the last minutes are kept, and those that plans rest on.
CREATE TABLE observations (
    id           TEXT PRIMARY KEY,
    kind         TEXT NOT NULL, -- that of the requests which rest on it: etcd.restore
    subject      TEXT NOT NULL, -- what was looked at
    taken_ms     BIGINT NOT NULL,
    place        TEXT NOT NULL, -- the data directory whose server looked, by its name
    sources_json TEXT NOT NULL, -- what each source gave
    body_json    TEXT NOT NULL
);
CREATE INDEX observations_by_subject ON observations (subject, kind, taken_ms DESC, id);
