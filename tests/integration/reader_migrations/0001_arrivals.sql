-- What came in, in the order in which it did; nothing is unique, so that a double is seen and not refused.
CREATE TABLE arrivals (
    arrival bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    event_id uuid NOT NULL,
    event_type text NOT NULL,
    key uuid NOT NULL, -- the person, or the position
    number int NOT NULL, -- the publisher's own count for this key
    details bytea -- sealed
);
CREATE INDEX arrivals_key ON arrivals (key, arrival);
ALTER TABLE arrivals ALTER COLUMN details SET STORAGE EXTERNAL;

-- Work that was done, once per item if all is well; not unique, for the same reason.
CREATE TABLE done (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    subject_id uuid NOT NULL,
    number int NOT NULL
);
CREATE INDEX done_subject ON done (subject_id);

-- Adverts, about no person.
CREATE TABLE adverts (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    position_id uuid NOT NULL,
    title text NOT NULL
);
