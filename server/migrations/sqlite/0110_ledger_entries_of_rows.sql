-- Which entry of the ledger opened the act that made a row: without it, or beside what it says, the row is not believed.
-- Rows of earlier versions have none; their entries are looked for.
ALTER TABLE plans ADD COLUMN entry INTEGER;
ALTER TABLE plan_votes ADD COLUMN entry INTEGER;
ALTER TABLE policies ADD COLUMN entry INTEGER;
ALTER TABLE reviews ADD COLUMN entry INTEGER;

-- Acts that had their effect, by the entry that opened them, written together with it. Of an act whose end a console did
-- not come to write, this is how the next one knows how it came out.
CREATE TABLE ledger_effects (
    idx     INTEGER PRIMARY KEY,
    subject TEXT,
    job     TEXT
) STRICT;

-- The act that brought the last bytes of an upload.
ALTER TABLE uploads ADD COLUMN entry INTEGER;
