-- Why the guard let no reaction run for an event that was taken in; null: its reaction ran. Written for those few only.
ALTER TABLE inbox ADD COLUMN refused text;
-- not checked against what stands: it is null everywhere, and the table may be long
ALTER TABLE inbox ADD CONSTRAINT refused_says_why CHECK (refused IN ('erased', 'restricted')) NOT VALID;
