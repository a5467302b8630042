-- Every service has these tables; SQL that names one stands in the module of the chassis with the table's name.

-- One row per person this service has met. It is locked FOR UPDATE, in sorted order, by every transaction about
-- people, so that an erasure can't overlap a write. A row with erased categories is the tombstone, kept 90 days.
CREATE TABLE subjects (
    subject_id uuid PRIMARY KEY,
    restrictions text[] NOT NULL DEFAULT '{}', -- why the person's data is stored but not used; empty: not restricted
    erased text[] NOT NULL DEFAULT '{}', -- categories that were erased; never shrinks
    erased_at timestamptz,
    CONSTRAINT tombstone_has_its_time CHECK ((erased = '{}') = (erased_at IS NULL))
);

-- Events to be sent. Positions of one key are in commit order, because the key's row is locked before one is drawn.
CREATE TABLE outbox (
    position bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    event_id uuid NOT NULL,
    topic text NOT NULL,
    key text NOT NULL,
    headers bytea NOT NULL, -- as chassis.outbox packs them
    body bytea NOT NULL, -- personal fields are sealed
    privacy_protocol boolean NOT NULL, -- sent only after every older row was acknowledged
    created_at timestamptz NOT NULL,
    refused text -- the broker will never take it: kept, reported, and later rows of its key wait behind it
);
CREATE INDEX outbox_refused ON outbox (topic, key) WHERE refused IS NOT NULL;

-- Events that changed this service already, kept 90 days: longer than any topic, so a replay always meets them.
CREATE TABLE inbox (
    event_id uuid PRIMARY KEY,
    received_at timestamptz NOT NULL
);
CREATE INDEX inbox_received ON inbox (received_at);

-- How far each partition was taken in. Advanced by compare-and-set in the transaction of the batch.
CREATE TABLE offsets (
    topic text NOT NULL,
    partition int NOT NULL,
    next_offset bigint NOT NULL,
    PRIMARY KEY (topic, partition)
);

-- The only dead-letter store: failing events in order, and later events of the same topic and key behind them.
CREATE TABLE parked (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    topic text NOT NULL,
    partition int NOT NULL,
    record_offset bigint NOT NULL,
    key text, -- null when it could not be read, or is not an id of ours: such a record holds back no other
    event_id uuid,
    event_type text,
    subject_ids uuid[] NOT NULL DEFAULT '{}',
    privacy_protocol boolean NOT NULL DEFAULT false,
    reason text NOT NULL, -- holds no personal data
    record bytea NOT NULL, -- an event as it came, sealed; what is no valid event is encrypted under the service's own key
    encrypted boolean NOT NULL,
    parked_at timestamptz NOT NULL,
    UNIQUE (topic, partition, record_offset),
    CONSTRAINT unreadable_is_encrypted CHECK (event_id IS NOT NULL OR encrypted)
);
CREATE INDEX parked_key ON parked (topic, key, id) WHERE key IS NOT NULL;
CREATE INDEX parked_subjects ON parked USING gin (subject_ids);

-- Things to do later or one by one: (kind, key) is done once; a lease keeps two workers off the same one.
CREATE TABLE work (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    kind text NOT NULL,
    key text NOT NULL,
    subject_id uuid,
    due_at timestamptz NOT NULL,
    attempts int NOT NULL DEFAULT 0,
    lease uuid, -- whoever wakes late finds another lease and changes nothing
    traceparent text,
    correlation_id uuid NOT NULL,
    causation_id uuid,
    UNIQUE (kind, key)
);
CREATE INDEX work_due ON work (kind, due_at);
CREATE INDEX work_subject ON work (subject_id) WHERE subject_id IS NOT NULL;

-- Answers to POST requests that carried an Idempotency-Key. No personal data: hashes are keyed, responses hold ids.
CREATE TABLE idempotency_keys (
    scope text NOT NULL,
    key_hash bytea NOT NULL,
    request_hash bytea NOT NULL,
    subject_id uuid,
    status int,
    response jsonb,
    location text,
    created_at timestamptz NOT NULL,
    PRIMARY KEY (scope, key_hash)
);
CREATE INDEX idempotency_keys_created ON idempotency_keys (created_at);
CREATE INDEX idempotency_keys_subject ON idempotency_keys (subject_id) WHERE subject_id IS NOT NULL;

-- The digest of the holder declaration that was last published, so that a restart does not repeat it.
CREATE TABLE registration (
    holder text PRIMARY KEY,
    digest bytea NOT NULL,
    registered_at timestamptz NOT NULL
);

-- Sealed bytes do not compress; stored as they are, a search through the files sees what is there.
ALTER TABLE outbox ALTER COLUMN body SET STORAGE EXTERNAL;
ALTER TABLE outbox ALTER COLUMN headers SET STORAGE EXTERNAL;
ALTER TABLE parked ALTER COLUMN record SET STORAGE EXTERNAL;
