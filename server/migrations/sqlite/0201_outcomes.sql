-- How an act came out, by the entry that says so, and the entry that the list of acts shows for it. Both follow from what is
-- in the row already. What is no entry has no outcome: that is for the verification to find.
ALTER TABLE ledger_entries ADD COLUMN outcome TEXT GENERATED ALWAYS AS (CASE WHEN json_valid(CAST(canonical AS TEXT))
    THEN json_extract(CAST(canonical AS TEXT), '$.outcome') END) VIRTUAL;
ALTER TABLE ledger_entries ADD COLUMN act_idx INTEGER GENERATED ALWAYS AS (COALESCE(closes, idx)) VIRTUAL;
CREATE INDEX ledger_entries_by_outcome ON ledger_entries (outcome, act_idx) WHERE outcome IS NOT NULL;
