-- The numbers of days that are over, by the school's clock. No names.
CREATE TABLE day_counts (
    day    TEXT PRIMARY KEY,
    counts TEXT NOT NULL                 -- JSON
) STRICT;

-- The digests that have gone out.
CREATE TABLE digests (
    name TEXT PRIMARY KEY,               -- daily 2026-07-01
    at   INTEGER NOT NULL
) STRICT;
