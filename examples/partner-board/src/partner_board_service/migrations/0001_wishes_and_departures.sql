-- What people look for. The wish itself is sealed; the ids say nothing of anybody.
CREATE TABLE wishes (
    interest_id uuid PRIMARY KEY,
    subject_id uuid NOT NULL,
    wish bytea NOT NULL, -- sealed under user_information: occupation, place
    saved_at timestamptz NOT NULL
);
CREATE INDEX wishes_subject ON wishes (subject_id);

-- Sealed bytes do not compress; stored as they are, a search through the files sees what is there.
ALTER TABLE wishes ALTER COLUMN wish SET STORAGE EXTERNAL;

-- How many people were forgotten, by day; about nobody.
CREATE TABLE departures (
    day date PRIMARY KEY,
    people bigint NOT NULL
);
