-- One day of the trail. Texts that repeat stand once, in order of their first line, so that the
-- same trail always makes the same index.

-- Up to which line the day is indexed.
CREATE TABLE reached (id INTEGER PRIMARY KEY CHECK (id = 0), seq INTEGER NOT NULL);

CREATE TABLE who (id INTEGER PRIMARY KEY, user TEXT, device TEXT, client TEXT);
CREATE INDEX who_user ON who (user) WHERE user IS NOT NULL;
CREATE INDEX who_device ON who (device) WHERE device IS NOT NULL;
CREATE INDEX who_client ON who (client) WHERE client IS NOT NULL;

-- `host` with its labels reversed and a dot behind each: `uk.sch.county.school.`; whoever asks for
-- a host and what is below it asks for a prefix.
CREATE TABLE target (id INTEGER PRIMARY KEY, host TEXT, ip TEXT);
CREATE INDEX target_host ON target (host) WHERE host IS NOT NULL;
CREATE INDEX target_ip ON target (ip) WHERE ip IS NOT NULL;

-- What an event is in words of small sets.
CREATE TABLE aspect (id INTEGER PRIMARY KEY, dataset TEXT, action TEXT, rung TEXT, groups TEXT);
CREATE TABLE category (id INTEGER PRIMARY KEY, name TEXT NOT NULL);
CREATE TABLE term (id INTEGER PRIMARY KEY, words TEXT NOT NULL);

-- Every event but the ends of accesses; `at` is where its line starts in the plain segment.
CREATE TABLE event (
    seq INTEGER PRIMARY KEY, at INTEGER NOT NULL, aspect INTEGER NOT NULL, who INTEGER, target INTEGER
);
-- Where the line is that ends an access.
CREATE TABLE close (access INTEGER PRIMARY KEY, seq INTEGER NOT NULL, at INTEGER NOT NULL);

-- 1,024 sequences each: when the first of them was, and which aspects occur (bit 62 stands for all
-- from 62 on, which are rare since they came late).
CREATE TABLE chunk (id INTEGER PRIMARY KEY, time TEXT NOT NULL, aspects INTEGER NOT NULL);

-- The rest of the event stands beside, so that two questions at once need no look at the event.
CREATE TABLE by_who (
    who INTEGER, seq INTEGER, aspect INTEGER NOT NULL, target INTEGER, PRIMARY KEY (who, seq)
) WITHOUT ROWID;
CREATE TABLE by_target (
    target INTEGER, seq INTEGER, aspect INTEGER NOT NULL, who INTEGER, PRIMARY KEY (target, seq)
) WITHOUT ROWID;
CREATE TABLE by_category (category INTEGER, seq INTEGER, PRIMARY KEY (category, seq)) WITHOUT ROWID;
CREATE TABLE by_term (term INTEGER, seq INTEGER, PRIMARY KEY (term, seq)) WITHOUT ROWID;
CREATE TABLE by_unblock (unblock BLOB, seq INTEGER, PRIMARY KEY (unblock, seq)) WITHOUT ROWID;
