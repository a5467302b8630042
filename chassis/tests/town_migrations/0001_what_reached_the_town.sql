-- What reached the service, in the order in which it did; nothing is unique, so that a double is seen and not refused.
CREATE TABLE kept (
    place bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    event_id uuid NOT NULL,
    event_type text NOT NULL,
    subject_id uuid NOT NULL,
    number int NOT NULL,
    details bytea -- sealed
);
CREATE INDEX kept_subject ON kept (subject_id, place);
ALTER TABLE kept ALTER COLUMN details SET STORAGE EXTERNAL;

CREATE TABLE letters (
    letter_id uuid PRIMARY KEY,
    subject_id uuid NOT NULL
);
CREATE INDEX letters_subject ON letters (subject_id);

-- Adverts, about no person.
CREATE TABLE adverts (
    place bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    position_id uuid NOT NULL,
    title text NOT NULL,
    floor int NOT NULL
);
CREATE INDEX adverts_position ON adverts (position_id);
