-- Where an erased person is told for the last time. Address and letter go as soon as the mail has ended; how it did stays.
CREATE TABLE last_mails (
    erasure_id uuid PRIMARY KEY,
    subject_id uuid NOT NULL,
    mail_id uuid NOT NULL, -- of its Message-ID, however often it is sent
    contact bytea, -- the row of contacts as it was, sealed under user_information: it dies with that key at the latest
    letter bytea, -- sealed under rights_case: the link to the receipt, who was told
    kept_at timestamptz NOT NULL,
    give_up_at timestamptz,
    ended_at timestamptz,
    outcome text, -- contracts.communication.LastMailOutcome
    CONSTRAINT an_end_has_its_outcome CHECK ((ended_at IS NULL) = (outcome IS NULL)),
    CONSTRAINT what_ended_is_empty CHECK (ended_at IS NULL OR (contact IS NULL AND letter IS NULL)),
    CONSTRAINT a_letter_has_its_limit CHECK (letter IS NULL OR give_up_at IS NOT NULL)
);
CREATE INDEX last_mails_subject ON last_mails (subject_id);
ALTER TABLE last_mails ALTER COLUMN contact SET STORAGE EXTERNAL;
ALTER TABLE last_mails ALTER COLUMN letter SET STORAGE EXTERNAL;
