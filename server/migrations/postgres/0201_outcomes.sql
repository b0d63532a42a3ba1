-- How an act came out, by the entry that says so, and the entry that the list of acts shows for it. Both follow from what is
-- in the row already. What is no entry has no outcome: that is for the verification to find.
CREATE FUNCTION entry_outcome(canonical BYTEA) RETURNS TEXT LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN
    RETURN convert_from(canonical, 'UTF8')::json ->> 'outcome';
EXCEPTION WHEN OTHERS THEN
    RETURN NULL;
END
$$;
ALTER TABLE ledger_entries
    ADD COLUMN outcome TEXT GENERATED ALWAYS AS (entry_outcome(canonical)) STORED,
    ADD COLUMN act_idx BIGINT GENERATED ALWAYS AS (COALESCE(closes, idx)) STORED;
CREATE INDEX ledger_entries_by_outcome ON ledger_entries (outcome, act_idx) WHERE outcome IS NOT NULL;
