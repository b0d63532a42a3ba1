-- The cluster that something belongs to, by name: its roles and its policy count. Empty for none, as all is that was
-- here before.
ALTER TABLE files ADD COLUMN cluster TEXT NOT NULL DEFAULT '';
ALTER TABLE uploads ADD COLUMN cluster TEXT NOT NULL DEFAULT '';
-- As it is sealed in the plan; here to find it by.
ALTER TABLE plans ADD COLUMN cluster TEXT NOT NULL DEFAULT '';
