-- What a person asked to be told of stands sealed in `interests`; what is compared stands in `interest_search`, which no
-- write-ahead log, replica, base backup or dump holds. SQL can seal nothing, so what stands in the clear is not carried
-- over. No installation exists outside development.
DO $$
BEGIN
    IF EXISTS (SELECT 1 FROM interests) THEN
        RAISE EXCEPTION 'interests stand in the clear here, and a migration can not seal them: begin with an empty database';
    END IF;
END
$$;
-- squawk-ignore ban-drop-column
ALTER TABLE interests DROP COLUMN occupation; -- unused since 0004, which finds nobody in it
-- squawk-ignore ban-drop-column
ALTER TABLE interests DROP COLUMN place; -- unused since 0004, which finds nobody in it
-- squawk-ignore adding-required-field
ALTER TABLE interests ADD COLUMN words bytea NOT NULL; -- sealed under user_information: occupation, place
ALTER TABLE interests ALTER COLUMN words SET STORAGE EXTERNAL;

-- Interests as they are compared. Made of `interests`, and made anew when PostgreSQL has emptied it: after a crash, on a
-- replica that is promoted, in a restored database. Its columns are sampled by nobody: samples stand in the catalog, which
-- is logged.
CREATE UNLOGGED TABLE interest_search (
    interest_id uuid PRIMARY KEY REFERENCES interests (interest_id) ON DELETE CASCADE,
    subject_id uuid NOT NULL,
    occupation text NOT NULL,
    place text, -- null: anywhere
    CONSTRAINT place_is_named_or_null CHECK (place <> '') -- an empty place would match no position, in silence
);
CREATE INDEX interest_search_match ON interest_search (occupation, place, subject_id);
CREATE INDEX interest_search_subject ON interest_search (subject_id);
ALTER TABLE interest_search ALTER COLUMN occupation SET STATISTICS 0;
ALTER TABLE interest_search ALTER COLUMN place SET STATISTICS 0;

-- How far `interest_search` is made. Unlogged too, so it goes when that goes: no row means that it was emptied.
CREATE UNLOGGED TABLE interest_search_made (
    one boolean PRIMARY KEY DEFAULT true,
    made_to uuid NOT NULL, -- every interest up to this one is in it
    whole boolean NOT NULL, -- and every other
    CONSTRAINT only_one CHECK (one)
);
INSERT INTO interest_search_made (made_to, whole) VALUES ('00000000-0000-0000-0000-000000000000', true); -- of nothing
