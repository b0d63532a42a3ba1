-- When somebody was last seen in a browser, to a few minutes; 0 for never. Sessions are forgotten when they end.
ALTER TABLE users ADD COLUMN seen_ms INTEGER NOT NULL DEFAULT 0;
