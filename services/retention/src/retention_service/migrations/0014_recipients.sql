-- Organisations that may receive personal data, about no person: how each is told of what becomes of it (GDPR Art. 19).
CREATE TABLE recipients (
    recipient_id uuid PRIMARY KEY,
    name text NOT NULL,
    kind text NOT NULL, -- contracts.disclosure.RecipientKind
    webhook text,
    mail text, -- a functional mailbox, no person's
    acknowledgement_key text, -- base64url Ed25519 public key: it may answer that it acted
    registered_at timestamptz NOT NULL,
    CONSTRAINT it_can_be_told CHECK (webhook IS NOT NULL OR mail IS NOT NULL)
);

-- The register of disclosures (S4): who received data of whom. It may name a recipient that has not registered yet.
CREATE TABLE disclosures (
    disclosure_id uuid PRIMARY KEY,
    subject_id uuid NOT NULL,
    recipient_id uuid NOT NULL,
    reference text NOT NULL, -- random: how both sides name it from then on
    data_category text NOT NULL,
    what bytea NOT NULL, -- sealed under rights_case: which fields, and why
    disclosed_at timestamptz NOT NULL
);
CREATE INDEX disclosures_subject ON disclosures (subject_id, disclosed_at, disclosure_id);
ALTER TABLE disclosures ALTER COLUMN what SET STORAGE EXTERNAL;

-- One recipient is told of one thing: an erasure, or a correction. Whatever runs twice, there is one row of it.
CREATE TABLE notices (
    notice_id uuid PRIMARY KEY,
    subject_id uuid NOT NULL,
    occasion_id uuid NOT NULL, -- the erasure, or an id drawn for the correction
    kind text NOT NULL, -- contracts.rights.NoticeKind
    recipient_id uuid NOT NULL,
    refs text[] NOT NULL, -- of all disclosures that it is about
    state text NOT NULL DEFAULT 'waiting', -- NoticeState
    failures int NOT NULL DEFAULT 0, -- tries in vain, since the last that was not
    reminders int NOT NULL DEFAULT 0,
    made_at timestamptz NOT NULL,
    tried_at timestamptz,
    told_at timestamptz, -- it has it: the first time that this was certain
    acknowledged_at timestamptz,
    acted_at text, -- as the recipient wrote and signed it
    answer_signature text,
    CONSTRAINT told_once UNIQUE (occasion_id, recipient_id),
    CONSTRAINT state_is_known CHECK (state IN ('waiting', 'chased', 'told', 'acknowledged', 'unresponsive')),
    CONSTRAINT told_has_its_time CHECK (state <> 'told' OR told_at IS NOT NULL),
    CONSTRAINT answer_is_whole CHECK ((state = 'acknowledged') = (acknowledged_at IS NOT NULL)),
    CONSTRAINT answer_is_signed CHECK ((acknowledged_at IS NULL) = (answer_signature IS NULL)),
    CONSTRAINT answer_says_when CHECK ((acknowledged_at IS NULL) = (acted_at IS NULL)),
    CONSTRAINT about_something CHECK (refs <> '{}')
);
CREATE INDEX notices_subject ON notices (subject_id, made_at);
CREATE INDEX notices_not_told ON notices (state) WHERE state IN ('waiting', 'chased', 'unresponsive');
