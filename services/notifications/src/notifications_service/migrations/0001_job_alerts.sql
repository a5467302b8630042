-- Where a person can be reached. Nothing else of a profile is kept here.
CREATE TABLE contacts (
    subject_id uuid PRIMARY KEY,
    contact bytea NOT NULL, -- sealed under user_information: name, e-mail
    stored_at timestamptz NOT NULL
);

-- What a person asked to be told of, in the form in which it is compared. Plain, because it is searched; erased with
-- its owner.
CREATE TABLE interests (
    interest_id uuid PRIMARY KEY,
    subject_id uuid NOT NULL,
    occupation text NOT NULL,
    place text, -- null: anywhere
    saved_at timestamptz NOT NULL,
    CONSTRAINT place_is_named_or_null CHECK (place <> '') -- an empty place would match no position, in silence
);
CREATE INDEX interests_match ON interests (occupation, place, subject_id);
CREATE INDEX interests_subject ON interests (subject_id);

-- Adverts, about no person: what a mail says of a position, and whether people may still be told of it.
CREATE TABLE positions (
    position_id uuid PRIMARY KEY,
    title text NOT NULL,
    employer_name text NOT NULL,
    place text NOT NULL,
    compared_occupation text NOT NULL,
    compared_place text NOT NULL,
    published_at timestamptz NOT NULL,
    expires_at timestamptz,
    closed_at timestamptz
);

-- The communication log: every mail to a person, waiting or ended.
CREATE TABLE mails (
    mail_id uuid PRIMARY KEY, -- UUIDv7: the order of its making
    subject_id uuid NOT NULL,
    kind text NOT NULL,
    state text NOT NULL DEFAULT 'waiting', -- 'sent': accepted by a mail server; 'failed': refused for good; 'dropped': no longer wanted
    smtp_code int,
    mail bytea NOT NULL, -- sealed under communication: address, subject line, text, position
    made_at timestamptz NOT NULL,
    ended_at timestamptz,
    CONSTRAINT state_is_known CHECK (state IN ('waiting', 'sent', 'failed', 'dropped')),
    CONSTRAINT only_an_end_has_a_time CHECK ((state = 'waiting') = (ended_at IS NULL)), -- or retention has no clock
    CONSTRAINT only_a_refusal_has_a_code CHECK ((state = 'failed') = (smtp_code IS NOT NULL))
);
CREATE INDEX mails_subject ON mails (subject_id, state, mail_id);

-- Sealed bytes do not compress; stored as they are, a search through the files sees what is there.
ALTER TABLE contacts ALTER COLUMN contact SET STORAGE EXTERNAL;
ALTER TABLE mails ALTER COLUMN mail SET STORAGE EXTERNAL;
