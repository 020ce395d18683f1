CREATE TABLE keys (
    name  TEXT PRIMARY KEY,
    value BLOB NOT NULL
) STRICT;

CREATE TABLE counters (
    name  TEXT PRIMARY KEY,
    value INTEGER NOT NULL
) STRICT;

CREATE TABLE staff (
    name     TEXT PRIMARY KEY,
    roles    TEXT NOT NULL,              -- comma-separated
    disabled INTEGER NOT NULL DEFAULT 0,
    added_at TEXT NOT NULL
) STRICT;

CREATE TABLE tokens (
    hash       BLOB PRIMARY KEY,         -- SHA-256; the token itself is kept nowhere
    staff      TEXT NOT NULL REFERENCES staff (name),
    made_at    TEXT NOT NULL,
    expires_at TEXT NOT NULL
) STRICT;

CREATE TABLE unblocks (
    id         TEXT PRIMARY KEY,
    target     TEXT NOT NULL,
    audience   TEXT NOT NULL,            -- JSON: groups, users, devices
    starts_at  TEXT NOT NULL,
    ends_at    TEXT NOT NULL,
    reason     TEXT NOT NULL,
    lesson     TEXT,
    requester  TEXT NOT NULL REFERENCES staff (name),
    decided    TEXT NOT NULL,            -- awaited, approved, refused, revoked
    decided_by TEXT,
    comment    TEXT,
    announced  TEXT NOT NULL,            -- the last state that the audit trail was told
    asked_at   TEXT NOT NULL
) STRICT;
CREATE INDEX unblocks_by_announced ON unblocks (announced);

-- Every policy that was in force: the journal of changes.
CREATE TABLE journal (
    version    INTEGER PRIMARY KEY,      -- the policy's generation
    at         TEXT NOT NULL,
    actor      TEXT NOT NULL,
    reason     TEXT NOT NULL,
    changes    TEXT NOT NULL,            -- JSON: one sentence a change
    policy     TEXT NOT NULL,            -- the texts as they were read
    allow_list TEXT NOT NULL,
    block_list TEXT NOT NULL
) STRICT;

CREATE TABLE idempotency (
    key      TEXT NOT NULL,
    staff    TEXT NOT NULL,
    asked    TEXT NOT NULL,              -- digest of the request
    answer   TEXT NOT NULL,
    at       TEXT NOT NULL,
    PRIMARY KEY (key, staff)
) STRICT;

-- How many entries each list had when it was last in force: the guard against lists that shrink.
CREATE TABLE list_sizes (
    list    TEXT PRIMARY KEY,
    entries INTEGER NOT NULL
) STRICT;
