CREATE TABLE interests (
    interest_id uuid PRIMARY KEY,
    subject_id uuid NOT NULL,
    interest bytea NOT NULL,
    saved_at timestamptz NOT NULL
);
CREATE INDEX interests_subject ON interests (subject_id);

-- What the bare loop of the latency benchmark writes.
CREATE TABLE bare (
    id uuid PRIMARY KEY,
    sent_at float8 NOT NULL
);
