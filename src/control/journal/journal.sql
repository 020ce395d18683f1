-- The versions of the policy are what the journal comes to; the journal itself is every act.
ALTER TABLE journal RENAME TO policies;

-- Every act that changes something, in order: the tables are what these rows come to.
CREATE TABLE journal (
    number    INTEGER PRIMARY KEY,       -- in the order of the acts, without gaps
    id        TEXT NOT NULL UNIQUE,      -- UUIDv7; stands in the act's audit event
    at        TEXT NOT NULL,
    actor     TEXT NOT NULL,
    action    TEXT NOT NULL,             -- as in the audit event: unblock.approved, …
    reason    TEXT,
    puts      TEXT NOT NULL,             -- JSON: [{table, row}], each in the place of the row of that key
    audit_seq INTEGER                    -- its record; NULL: not recorded yet, so not done
) STRICT;
CREATE TRIGGER journal_is_kept BEFORE UPDATE ON journal WHEN OLD.audit_seq IS NOT NULL
BEGIN SELECT RAISE(ABORT, 'the journal is append-only'); END;
CREATE TRIGGER journal_is_whole BEFORE DELETE ON journal WHEN OLD.audit_seq IS NOT NULL
BEGIN SELECT RAISE(ABORT, 'the journal is append-only'); END;
