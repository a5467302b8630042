-- Holds on people's data, as they were told: in force until lifted. A lifted one stays known for the tombstones' window,
-- so that a request that was on its way meanwhile holds nothing back under it.
CREATE TABLE known_holds (
    hold_id uuid PRIMARY KEY,
    subject_id uuid NOT NULL,
    category text, -- null: every category
    holder text, -- null: every holder
    table_name text, -- null: every table
    records uuid[] NOT NULL DEFAULT '{}', -- single records of that table; empty: no single ones
    ground text, -- LegalGround; null only when it was lifted before it was heard of
    review_on timestamptz,
    lifted_at timestamptz,
    CONSTRAINT in_force_says_why CHECK (lifted_at IS NOT NULL OR (ground IS NOT NULL AND review_on IS NOT NULL)),
    CONSTRAINT records_are_of_a_table CHECK (records = '{}' OR table_name IS NOT NULL)
);
CREATE INDEX known_holds_subject ON known_holds (subject_id);
CREATE INDEX known_holds_lifted ON known_holds (lifted_at) WHERE lifted_at IS NOT NULL;

-- What an erasure left because of a hold: whole rows, sealed under the hold's own key, one copy for each hold. Nothing
-- but the hold itself reads them, and they go when it is lifted.
CREATE TABLE held_records (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    hold_id uuid NOT NULL REFERENCES known_holds (hold_id),
    subject_id uuid NOT NULL,
    category text NOT NULL,
    table_name text NOT NULL, -- where it stood
    record_id uuid NOT NULL,
    content bytea NOT NULL, -- sealed: the columns of the row as JSON
    held_at timestamptz NOT NULL
);
CREATE INDEX held_records_hold ON held_records (hold_id);
CREATE INDEX held_records_subject ON held_records (subject_id);
ALTER TABLE held_records ALTER COLUMN content SET STORAGE EXTERNAL;
