-- What was committed together with its event: the count of each person, sealed details beside it.
CREATE TABLE said (
    said_id uuid PRIMARY KEY,
    subject_id uuid NOT NULL,
    number int NOT NULL,
    details bytea NOT NULL, -- sealed
    UNIQUE (subject_id, number)
);
ALTER TABLE said ALTER COLUMN details SET STORAGE EXTERNAL;
