-- Sign-ins at the identity provider that have come back: each ends once. What was begun and has not come back is in the
-- browser's cookie alone. The id is a hash.
DROP TABLE oidc_sign_ins;
CREATE TABLE oidc_used (
    id         TEXT PRIMARY KEY,
    expires_ms BIGINT NOT NULL
);
CREATE INDEX oidc_used_by_expiry ON oidc_used (expires_ms);
