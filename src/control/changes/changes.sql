-- Edits of the school's lists that open something: held, decided on, taken back.
CREATE TABLE changes (
    id            TEXT PRIMARY KEY,      -- UUIDv7
    list          TEXT NOT NULL,         -- school/allow, school/block
    op            TEXT NOT NULL,         -- add, remove
    entry         TEXT NOT NULL,         -- in its normal form
    line          INTEGER NOT NULL,
    remark        TEXT,                  -- what the line says behind the #
    proposer_kind TEXT NOT NULL,         -- staff, local, system
    proposer      TEXT,
    proposed_at   TEXT NOT NULL,
    state         TEXT NOT NULL,         -- pending, approved, refused, withdrawn
    stands        INTEGER NOT NULL,      -- whether the file still says so while the lists in force do not
    decided_by    TEXT,
    decided_at    TEXT,
    comment       TEXT
) STRICT;
CREATE INDEX changes_by_stands ON changes (stands);
