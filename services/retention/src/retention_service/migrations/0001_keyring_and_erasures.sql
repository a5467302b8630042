-- The keyring: one data key per person and category, wrapped under the key-encryption key of an epoch.
CREATE TABLE subject_keys (
    subject_id uuid NOT NULL, -- the zero id is the log's own key
    category text NOT NULL,
    wrapped bytea, -- gone once destroyed; the row stays for ever, so that the key is never made again
    kek_epoch int,
    made_at timestamptz, -- null when the key was destroyed before it was ever made
    destroyed_at timestamptz,
    PRIMARY KEY (subject_id, category),
    -- a key that could still be unwrapped is not destroyed, and one that can't be without a destruction is lost
    CONSTRAINT destroyed_means_not_there CHECK ((wrapped IS NULL) = (destroyed_at IS NOT NULL)),
    CONSTRAINT wrapped_names_its_epoch CHECK ((wrapped IS NULL) = (kek_epoch IS NULL)),
    CONSTRAINT living_key_was_made CHECK (wrapped IS NULL OR made_at IS NOT NULL),
    -- the log outlives everybody: its key is never destroyed
    CONSTRAINT log_key_lives CHECK (category <> 'log' OR wrapped IS NOT NULL)
);
CREATE INDEX subject_keys_epoch ON subject_keys (kek_epoch) WHERE wrapped IS NOT NULL;
ALTER TABLE subject_keys ALTER COLUMN wrapped SET STORAGE EXTERNAL;

-- Every service that registered as a holder: it is asked in each erasure, and the fence waits for its groups.
CREATE TABLE holders (
    holder text PRIMARY KEY,
    groups jsonb NOT NULL, -- [{"group", "topics"}]
    tables jsonb NOT NULL, -- [{"table", "category", "rule"}]
    registered_at timestamptz NOT NULL
);

-- Ends of all topics at one moment. Erasures that share it are done only when every holder has read that far.
CREATE TABLE fences (
    fence_id uuid PRIMARY KEY,
    taken_at timestamptz NOT NULL,
    end_offsets jsonb NOT NULL, -- {"topic": {"partition": offset}}
    passed_at timestamptz
);
CREATE INDEX fences_taken ON fences (taken_at);

-- One erasure of one person: asking -> fencing -> destroying -> done, each stage with the time it was reached.
CREATE TABLE erasures (
    erasure_id uuid PRIMARY KEY,
    subject_id uuid NOT NULL,
    reason text NOT NULL, -- DeletionReason
    categories text[] NOT NULL,
    nonce text NOT NULL, -- binds the holders' answers to this request; new when its categories grow
    former_nonces text[] NOT NULL DEFAULT '{}', -- answers to these are late, not forged
    stage text NOT NULL,
    fence_id uuid REFERENCES fences (fence_id),
    requested_at timestamptz NOT NULL,
    due_at timestamptz NOT NULL,
    answered_at timestamptz, -- every holder has answered: from now on it waits for a fence
    fenced_at timestamptz, -- every holder has read past the fence: its keys may be destroyed
    done_at timestamptz,
    CONSTRAINT stage_is_known CHECK (stage IN ('asking', 'fencing', 'destroying', 'done')),
    CONSTRAINT something_is_erased CHECK (categories <> '{}'),
    -- a stage has its time, and no later stage has one
    CONSTRAINT answered_before_fencing CHECK ((stage = 'asking') = (answered_at IS NULL)),
    CONSTRAINT fenced_before_destroying CHECK ((stage IN ('asking', 'fencing')) = (fenced_at IS NULL)),
    CONSTRAINT done_has_its_time CHECK ((stage = 'done') = (done_at IS NOT NULL)),
    CONSTRAINT no_fence_while_asking CHECK (stage <> 'asking' OR fence_id IS NULL),
    CONSTRAINT destroyed_behind_a_fence CHECK (stage IN ('asking', 'fencing') OR fence_id IS NOT NULL)
);
-- a person has one open erasure; what comes meanwhile is merged into it
CREATE UNIQUE INDEX erasures_open_subject ON erasures (subject_id) WHERE stage <> 'done';
CREATE INDEX erasures_subject ON erasures (subject_id);
CREATE INDEX erasures_open_stage ON erasures (stage, requested_at) WHERE stage <> 'done';
CREATE INDEX erasures_fence ON erasures (fence_id) WHERE stage = 'fencing';
CREATE INDEX erasures_requested ON erasures (requested_at, erasure_id);

-- Whom an erasure asked, and what each answered. No erasure leaves `asking` while one of its rows has no answer.
CREATE TABLE erasure_holders (
    erasure_id uuid NOT NULL REFERENCES erasures (erasure_id),
    holder text NOT NULL,
    subject_id uuid NOT NULL,
    attempts int NOT NULL,
    asked_at timestamptz NOT NULL,
    replied_at timestamptz,
    rows jsonb, -- {"table": rows erased}
    PRIMARY KEY (erasure_id, holder),
    CONSTRAINT answer_is_whole CHECK ((replied_at IS NULL) = (rows IS NULL))
);
CREATE INDEX erasure_holders_subject ON erasure_holders (subject_id);
CREATE INDEX erasure_holders_silent ON erasure_holders (holder) WHERE replied_at IS NULL;
