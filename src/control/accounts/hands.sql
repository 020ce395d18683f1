-- Whoever's second account it may be: who had its link in their hands, until a headteacher confirms it.
ALTER TABLE staff ADD COLUMN counts_as TEXT;
