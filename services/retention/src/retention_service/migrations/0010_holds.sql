-- Holds on people's data (R5): what may not be erased for now, on which ground, who answers for it, and until when.
CREATE TABLE holds (
    hold_id uuid PRIMARY KEY,
    subject_id uuid NOT NULL,
    category text, -- null: not limited to one
    holder text, -- null: every holder
    table_name text, -- null: every table
    records uuid[] NOT NULL DEFAULT '{}', -- single records of that table; empty: all of it
    ground text NOT NULL, -- LegalGround
    reason bytea NOT NULL, -- sealed under the person's rights_case
    owner text NOT NULL, -- the officer's key
    placed_at timestamptz NOT NULL,
    review_on timestamptz NOT NULL,
    reviewed_at timestamptz,
    reviewed_by text,
    lifted_at timestamptz,
    lifted_by text,
    CONSTRAINT table_is_of_a_holder CHECK (table_name IS NULL OR holder IS NOT NULL),
    CONSTRAINT records_are_of_a_table CHECK (records = '{}' OR table_name IS NOT NULL),
    CONSTRAINT reviewed_by_somebody CHECK ((reviewed_at IS NULL) = (reviewed_by IS NULL)),
    CONSTRAINT lifted_by_somebody CHECK ((lifted_at IS NULL) = (lifted_by IS NULL))
);
CREATE INDEX holds_subject ON holds (subject_id);
CREATE INDEX holds_placed ON holds (placed_at, hold_id);
CREATE INDEX holds_due ON holds (review_on) WHERE lifted_at IS NULL;
ALTER TABLE holds ALTER COLUMN reason SET STORAGE EXTERNAL;
