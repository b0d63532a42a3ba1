-- Keys of the console that no person handles: made once, the same for all servers that share the database. With what is
-- signed by them nothing can be done but come in more easily with the right password.
CREATE TABLE console_keys (
    name TEXT PRIMARY KEY,
    key  BLOB NOT NULL
) STRICT;
