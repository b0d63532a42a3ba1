-- The latest time that was seen: a clock that is set back brings back nothing that had ended by then.
CREATE TABLE latest_time (
    only_one BIGINT PRIMARY KEY CHECK (only_one = 1),
    at_ms    BIGINT NOT NULL
);
-- 1 once it was seen that the token had ended, whatever the clock says later.
ALTER TABLE api_tokens ADD COLUMN over BIGINT NOT NULL DEFAULT 0;
