-- Sign-ins that were begun at the identity provider: each ends once, or in time. The id is a hash.
CREATE TABLE oidc_sign_ins (
    id         TEXT PRIMARY KEY,
    return_to  TEXT NOT NULL,
    address    TEXT NOT NULL,
    started_ms INTEGER NOT NULL,
    expires_ms INTEGER NOT NULL
) STRICT;
CREATE INDEX oidc_sign_ins_by_start ON oidc_sign_ins (started_ms);
