-- Changes of everything take one road: what a change is about stands in one column.
CREATE TABLE changes_of_all (
    id            TEXT PRIMARY KEY,      -- UUIDv7
    what          TEXT NOT NULL,         -- JSON
    effect        TEXT NOT NULL,         -- none, tightens, loosens
    reason        TEXT,
    risk          TEXT,                  -- JSON: benefit, risk, mitigation
    owner         TEXT,
    review_on     TEXT,                  -- 2027-07-01
    proposer_kind TEXT NOT NULL,         -- staff, local, system
    proposer      TEXT,
    proposed_at   TEXT NOT NULL,
    state         TEXT NOT NULL,         -- pending, approved, refused, withdrawn, at_once
    stands        INTEGER NOT NULL,      -- whether a file still says so while what is in force does not
    decided_by    TEXT,
    decided_at    TEXT,
    comment       TEXT
) STRICT;
INSERT INTO changes_of_all
SELECT id,
       json_object('kind', 'entry', 'list', list, 'op', op, 'entry', entry, 'line', line, 'remark', remark),
       'loosens', remark, NULL, NULL, NULL, proposer_kind, proposer, proposed_at, state, stands,
       decided_by, decided_at, comment
FROM changes;
DROP TABLE changes;
ALTER TABLE changes_of_all RENAME TO changes;
CREATE INDEX changes_by_stands ON changes (stands);

-- The policy file as it was last read, and the entries that staff put on the school's lists.
ALTER TABLE policies ADD COLUMN file TEXT NOT NULL DEFAULT '';
ALTER TABLE policies ADD COLUMN allow_added TEXT NOT NULL DEFAULT '';
ALTER TABLE policies ADD COLUMN block_added TEXT NOT NULL DEFAULT '';
UPDATE policies SET file = policy;
