-- What shuts, above the policy.
CREATE TABLE blocks (
    id         TEXT PRIMARY KEY,         -- UUIDv7
    target     TEXT NOT NULL,
    reason     TEXT NOT NULL,
    placed_by  TEXT NOT NULL,
    placed_at  TEXT NOT NULL,
    lifted_by  TEXT,                     -- who let it be lifted; NULL: in force
    lifted_at  TEXT,
    lifted_why TEXT
) STRICT;

CREATE TABLE suspensions (
    id         TEXT PRIMARY KEY,         -- UUIDv7
    covers     TEXT NOT NULL,            -- JSON: users, devices
    reduced    TEXT NOT NULL,            -- nothing, approved
    exceptions TEXT NOT NULL,            -- JSON: targets
    starts_at  TEXT NOT NULL,
    ends_at    TEXT NOT NULL,
    reason     TEXT NOT NULL,
    imposed_by TEXT NOT NULL,            -- its approver too
    imposed_at TEXT NOT NULL,
    lifted_by  TEXT,
    lifted_at  TEXT,
    lifted_why TEXT,
    announced  TEXT NOT NULL             -- the last state that the audit trail was told
) STRICT;
CREATE INDEX suspensions_by_announced ON suspensions (announced);
