-- What is looked for at every step of the clock: unblocks that are not over, and those that are and
-- whose report is to be made.
CREATE INDEX unblocks_open ON unblocks (id) WHERE announced NOT IN ('ended', 'refused');
CREATE INDEX unblocks_unreported ON unblocks (ends_at)
    WHERE announced = 'ended' AND json_extract(rules, '$.report') = 'due';
-- Reasons that were given before, and what was asked for of late.
CREATE INDEX unblocks_by_time ON unblocks (asked_at);
