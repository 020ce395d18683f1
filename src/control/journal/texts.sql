-- A reload that changes lists alone needs no texts of its own: they would pile up for ever.
ALTER TABLE policies ADD COLUMN same_as INTEGER;  -- the version that has its texts; itself, when absent
CREATE VIEW versions AS
SELECT of.version, of.at, of.actor, of.reason, of.changes, has.version AS texts_of,
       has.policy, has.file, has.allow_list, has.block_list, has.allow_added, has.block_added
FROM policies AS of JOIN policies AS has ON has.version = coalesce(of.same_as, of.version);
