-- The sealed documents, apart from what lists show of them: a list of plans would read through each one on its way.
CREATE TABLE plan_documents (
    plan_id   TEXT PRIMARY KEY REFERENCES plans (id),
    plan_json TEXT NOT NULL
) STRICT;
INSERT INTO plan_documents (plan_id, plan_json) SELECT id, plan_json FROM plans;
ALTER TABLE plans DROP COLUMN plan_json;
CREATE INDEX plans_by_author ON plans (author_id, sealed_ms DESC, id);
