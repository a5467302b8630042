-- What was accepted over HTTP: one row per command, numbered per person under the person's lock.
CREATE TABLE facts (
    fact_id uuid PRIMARY KEY,
    subject_id uuid NOT NULL,
    sequence int NOT NULL,
    attempt uuid NOT NULL, -- which client's command made it; not unique, so that a double is seen and not refused
    details bytea NOT NULL,
    accepted_at timestamptz NOT NULL
);
CREATE INDEX facts_subject ON facts (subject_id, sequence);
ALTER TABLE facts ALTER COLUMN details SET STORAGE EXTERNAL;

-- What came back from the sink; nothing is unique, so that a double is seen and not refused.
CREATE TABLE echoes (
    arrival bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    subject_id uuid NOT NULL,
    sequence int NOT NULL,
    event_id uuid NOT NULL
);
CREATE INDEX echoes_subject ON echoes (subject_id);
