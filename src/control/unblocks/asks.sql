-- Sites of which several members of staff asked for an unblock: is their category right?
CREATE TABLE suggestions (
    id           TEXT PRIMARY KEY,
    site         TEXT NOT NULL,
    raised_at    TEXT NOT NULL,
    dismissed_at TEXT,
    dismissed_by TEXT,
    reason       TEXT
) STRICT;

-- What pupils asked for.
CREATE TABLE asks (
    id           TEXT PRIMARY KEY,
    client       TEXT NOT NULL,          -- the address, as it was signed on the page
    filter_group TEXT NOT NULL,
    target       TEXT NOT NULL,
    category     TEXT,
    words        TEXT NOT NULL,
    asked_at     TEXT NOT NULL,
    lapses_at    TEXT NOT NULL,
    decided      TEXT NOT NULL,          -- awaited, taken, refused
    decided_by   TEXT,
    comment      TEXT,
    unblock      TEXT                    -- what it became
) STRICT;
CREATE INDEX asks_by_time ON asks (asked_at);
