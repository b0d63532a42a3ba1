-- What administrators did to accounts: whether it puts the account into their hands (a password by their link, a role,
-- an account that is let in again), and what the account could do before; empty where it could not be used.
CREATE TABLE account_acts (
    user_id TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    by_id   TEXT NOT NULL,
    at_ms   BIGINT NOT NULL,
    binds   BIGINT NOT NULL,
    before  TEXT NOT NULL
);
CREATE INDEX account_acts_by_time ON account_acts (at_ms);

-- The account that made the link; empty for the command line on the server's machine. Links of before that name
-- somebody else cannot be told apart: they are made again.
ALTER TABLE password_links ADD COLUMN made_by_id TEXT NOT NULL DEFAULT '';
DELETE FROM password_links WHERE made_by <> 'the command line';

-- Policies that ask for less than what is in force, until a second person has confirmed them. Without a policy the
-- cluster's own is to be taken away. `in_force` is 1 where nobody could have confirmed it: it counts, and stays here
-- until somebody does.
CREATE TABLE policy_proposals (
    id          TEXT PRIMARY KEY,
    cluster     TEXT NOT NULL,
    policy_json TEXT,
    by_id       TEXT NOT NULL,
    by_name     TEXT NOT NULL,
    at_ms       BIGINT NOT NULL,
    in_force    BIGINT NOT NULL,
    UNIQUE (cluster, in_force)
);
