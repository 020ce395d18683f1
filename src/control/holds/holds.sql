-- Whose lines of the trail are kept past their time.
CREATE TABLE holds (
    id         TEXT PRIMARY KEY,         -- UUIDv7
    kind       TEXT NOT NULL,            -- user, device, client
    of         TEXT NOT NULL,
    reason     TEXT NOT NULL,
    placed_by  TEXT NOT NULL,
    placed_at  TEXT NOT NULL,
    until      TEXT,                     -- NULL: until somebody lifts it
    lifted_by  TEXT,
    lifted_at  TEXT,
    lifted_why TEXT
) STRICT;
