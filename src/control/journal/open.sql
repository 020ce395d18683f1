-- Every act asks first whether one before it was cut off.
CREATE INDEX journal_open ON journal (number) WHERE audit_seq IS NULL;
