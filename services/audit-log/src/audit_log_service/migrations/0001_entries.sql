-- One row per event of every topic, in the order in which they came. It says nothing of anyone: no subject, no event
-- id, the time cut to the hour; erasure never touches it.
CREATE TABLE entries (
    position bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    topic text NOT NULL,
    partition int NOT NULL,
    record_offset bigint NOT NULL,
    type text NOT NULL,
    source text NOT NULL,
    schema text NOT NULL,
    hour timestamptz NOT NULL,
    commitment bytea NOT NULL, -- HMAC-SHA256(salt, body as sent)
    CONSTRAINT a_record_is_stored_once UNIQUE (topic, partition, record_offset),
    CONSTRAINT time_is_cut_to_the_hour CHECK (date_trunc('hour', hour, 'UTC') = hour) -- an exact time would be a link
);

-- Beside an entry, what the event said: sealed as it came. Erasure deletes the person's rows; an event about a person
-- whose data of that category is erased has none.
CREATE TABLE contents (
    position bigint PRIMARY KEY REFERENCES entries (position),
    event_id uuid NOT NULL,
    subject_id uuid, -- null when the event is about no one, or about several
    subject_ids uuid[], -- those several
    category text, -- whose erasure, and which clock, ends it; null when it is about no one
    headers bytea NOT NULL, -- the envelope, as chassis.outbox packs headers
    body bytea NOT NULL, -- personal fields are sealed, as they came
    sealed_salt bytea NOT NULL, -- opens the commitment for as long as its key lives
    CONSTRAINT one_or_several CHECK (subject_id IS NULL OR subject_ids IS NULL),
    CONSTRAINT who_has_a_category CHECK (
        (category IS NULL) = (subject_id IS NULL AND subject_ids IS NULL) -- or nothing would ever end it
    )
);
CREATE INDEX contents_subject ON contents (subject_id, category) WHERE subject_id IS NOT NULL;

-- Sealed bytes do not compress; stored as they are, a search through the files sees what is there.
ALTER TABLE entries ALTER COLUMN commitment SET STORAGE EXTERNAL;
ALTER TABLE contents ALTER COLUMN headers SET STORAGE EXTERNAL;
ALTER TABLE contents ALTER COLUMN body SET STORAGE EXTERNAL;
ALTER TABLE contents ALTER COLUMN sealed_salt SET STORAGE EXTERNAL;
