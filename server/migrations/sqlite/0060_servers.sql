-- Processes that write to this database. A row is renewed for as long as its process lives; by the database's clock.
CREATE TABLE servers (
    id      TEXT PRIMARY KEY,
    seen_ms INTEGER NOT NULL
) STRICT;
