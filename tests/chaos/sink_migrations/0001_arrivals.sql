-- What came in, in the order in which it did; nothing is unique, so that a double is seen and not refused.
CREATE TABLE arrivals (
    arrival bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    subject_id uuid NOT NULL,
    sequence int NOT NULL,
    event_id uuid NOT NULL,
    readable boolean NOT NULL, -- whether the sealed field said what its publisher sealed
    details bytea NOT NULL,
    worker int NOT NULL, -- HTTP port of the process that took it in
    arrived_at timestamptz NOT NULL
);
CREATE INDEX arrivals_subject ON arrivals (subject_id, arrival);
CREATE INDEX arrivals_time ON arrivals (arrived_at);
ALTER TABLE arrivals ALTER COLUMN details SET STORAGE EXTERNAL;

-- Work that was done, once per item if all is well; not unique, for the same reason.
CREATE TABLE done (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    kind text NOT NULL,
    subject_id uuid NOT NULL,
    sequence int NOT NULL
);
CREATE INDEX done_subject ON done (subject_id);
