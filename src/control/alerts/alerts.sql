-- Safeguarding alerts. Moments are milliseconds since 1970.
CREATE TABLE alerts (
    id             TEXT PRIMARY KEY,     -- UUIDv7
    theme          TEXT NOT NULL,
    severity       TEXT NOT NULL,
    about          TEXT NOT NULL,        -- pupil, staff, headteacher
    person         TEXT NOT NULL,        -- user:NAME, device:NAME or client:ADDRESS
    filter_group   TEXT,
    state          TEXT NOT NULL,        -- new, seen, action, outcome, closed
    false_positive INTEGER NOT NULL,
    rule           TEXT NOT NULL,        -- what raised it last: category:adult
    count          INTEGER NOT NULL,     -- events
    first_at       INTEGER NOT NULL,
    last_at        INTEGER NOT NULL,
    last_seq       INTEGER NOT NULL,     -- event.sequence
    told_at        INTEGER,              -- when somebody was last told
    escalated      INTEGER NOT NULL,     -- how often, since then
    seen_at        INTEGER,              -- when somebody first looked, since it was told first
    closed_at      INTEGER
) STRICT;
CREATE INDEX alerts_by_person ON alerts (person, theme, closed_at);
CREATE INDEX alerts_by_state ON alerts (state, severity);

CREATE TABLE alert_events (
    id       TEXT PRIMARY KEY,           -- ALERT/SEQUENCE
    alert    TEXT NOT NULL,
    sequence INTEGER NOT NULL
) STRICT;
CREATE INDEX alert_events_by_alert ON alert_events (alert, sequence);

-- What staff, or the clock, did about one.
CREATE TABLE alert_steps (
    id     TEXT PRIMARY KEY,             -- UUIDv7
    alert  TEXT NOT NULL,
    action TEXT NOT NULL,
    by     TEXT,                         -- NULL: the gateway
    at     INTEGER NOT NULL,
    words  TEXT
) STRICT;
CREATE INDEX alert_steps_by_alert ON alert_steps (alert, id);

-- Blocked tries of the last minutes: one host counts once a minute.
CREATE TABLE alert_tries (
    id     TEXT PRIMARY KEY,             -- PERSON, theme, host, minute
    person TEXT NOT NULL,
    theme  TEXT NOT NULL,
    at     INTEGER NOT NULL
) STRICT;
CREATE INDEX alert_tries_by_person ON alert_tries (person, theme, at);

CREATE TABLE suppressions (
    id           TEXT PRIMARY KEY,       -- UUIDv7
    theme        TEXT NOT NULL,
    about        TEXT NOT NULL,          -- of alerts on whom
    kind         TEXT NOT NULL,          -- term, host, category
    value        TEXT NOT NULL,
    filter_group TEXT,                   -- NULL: everybody's
    reason       TEXT NOT NULL,
    made_by      TEXT NOT NULL,
    made_at      INTEGER NOT NULL,
    ends_at      INTEGER NOT NULL,
    ended_by     TEXT,
    ended_at     INTEGER,
    hits         INTEGER NOT NULL        -- events that raised nothing because of it
) STRICT;
CREATE INDEX suppressions_by_end ON suppressions (ends_at);

-- How far readers of the trail have read.
CREATE TABLE cursors (
    name  TEXT PRIMARY KEY,
    value INTEGER NOT NULL
) STRICT;

-- What is to be told outside the gateway.
CREATE TABLE outbox (
    id        TEXT PRIMARY KEY,          -- UUIDv7; Message-ID and webhook-id
    channel   TEXT NOT NULL,             -- mail, webhook
    recipient TEXT NOT NULL,
    payload   TEXT NOT NULL,             -- JSON; no names
    pressing  INTEGER NOT NULL,          -- 1: a danger
    made_at   INTEGER NOT NULL,
    due_at    INTEGER NOT NULL,
    attempts  INTEGER NOT NULL,
    sent_at   INTEGER,
    fault     TEXT                       -- of the last attempt; no names
) STRICT;
CREATE INDEX outbox_waiting ON outbox (channel, sent_at, due_at);
