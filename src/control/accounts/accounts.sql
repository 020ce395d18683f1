-- Accounts, sign-in and what comes with it. Moments are milliseconds since 1970.
ALTER TABLE staff ADD COLUMN kind TEXT NOT NULL DEFAULT 'school';  -- school, supplier, break_glass
ALTER TABLE staff ADD COLUMN starts_at INTEGER;
ALTER TABLE staff ADD COLUMN ends_at INTEGER;
ALTER TABLE staff ADD COLUMN teaches TEXT NOT NULL DEFAULT '';     -- groups, comma-separated
ALTER TABLE staff ADD COLUMN access_until INTEGER;                 -- a supplier's window

-- Who acts after the sealed code was opened: no account that anybody signs in to.
INSERT INTO staff (name, roles, added_at, kind)
    VALUES ('break-glass', 'headteacher,filtering_manager,technician', '1970-01-01T00:00:00.000Z', 'break_glass')
    ON CONFLICT (name) DO UPDATE SET kind = excluded.kind, roles = excluded.roles;

CREATE TABLE passwords (
    staff  TEXT PRIMARY KEY REFERENCES staff (name),
    hash   TEXT NOT NULL,                -- argon2id, in PHC form
    set_at INTEGER NOT NULL
) STRICT;

CREATE TABLE factors (
    staff     TEXT PRIMARY KEY REFERENCES staff (name),
    secret    BLOB,                      -- of the factor that counts
    last_step INTEGER NOT NULL DEFAULT 0,
    begun     BLOB                       -- a secret that is not confirmed yet
) STRICT;

CREATE TABLE recovery_codes (
    hash  BLOB PRIMARY KEY,              -- SHA-256 of 120 random bits
    staff TEXT NOT NULL REFERENCES staff (name)
) STRICT;

CREATE TABLE sessions (
    hash    BLOB PRIMARY KEY,            -- SHA-256 of 256 random bits
    id      TEXT NOT NULL UNIQUE,
    staff   TEXT NOT NULL REFERENCES staff (name),
    made_at INTEGER NOT NULL,
    seen_at INTEGER NOT NULL,
    ends_at INTEGER NOT NULL,
    client  TEXT
) STRICT;

CREATE TABLE invitations (
    hash    BLOB PRIMARY KEY,            -- SHA-256 of 256 random bits
    staff   TEXT REFERENCES staff (name), -- none: whoever sets up the first account
    ends_at INTEGER NOT NULL
) STRICT;

-- Guesses of passwords and codes. Keys are digests: what is typed as a name may be a password.
CREATE TABLE guesses (
    key      BLOB PRIMARY KEY,
    failures INTEGER NOT NULL,
    last_at  INTEGER NOT NULL
) STRICT;

CREATE TABLE known_addresses (
    key     BLOB PRIMARY KEY,
    seen_at INTEGER NOT NULL
) STRICT;

-- One row at most: the seal as it is, or how it was broken.
CREATE TABLE break_glass (
    one       INTEGER PRIMARY KEY CHECK (one = 1),
    hash      BLOB NOT NULL,             -- SHA-256 of 160 random bits
    sealed_at INTEGER NOT NULL,
    opened_at INTEGER
) STRICT;

ALTER TABLE tokens ADD COLUMN id TEXT NOT NULL DEFAULT '';
ALTER TABLE tokens ADD COLUMN label TEXT NOT NULL DEFAULT '';
ALTER TABLE tokens ADD COLUMN scopes TEXT NOT NULL DEFAULT 'read,unblock,change,staff';
UPDATE tokens SET id = lower(hex(randomblob(16)));
CREATE UNIQUE INDEX tokens_by_id ON tokens (id);
