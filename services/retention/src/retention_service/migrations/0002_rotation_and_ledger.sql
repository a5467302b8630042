-- How far this database has taken in the ledger of destroyed keys, which is a file beside the key-encryption keys.
CREATE TABLE ledger_state (
    one boolean PRIMARY KEY DEFAULT true,
    ledger_id uuid NOT NULL,
    applied bigint NOT NULL, -- a place in the file: all before it is destroyed here
    CONSTRAINT one_row CHECK (one)
);

-- Rotations of the key-encryption key: beginning -> rewrapping -> backing_up -> proving -> destroying -> done.
CREATE TABLE rotations (
    number int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    epoch int UNIQUE, -- the one it leads to, once that is durable and in custody
    stage text NOT NULL,
    asked_at timestamptz NOT NULL,
    keys bigint NOT NULL DEFAULT 0, -- living keys under older epochs when it began
    rewrapped bigint NOT NULL DEFAULT 0,
    rewrapped_at timestamptz,
    backup text, -- the file's name
    backup_keys bigint,
    proved_keys bigint, -- opened by another process from that file, under this epoch and no older one
    proved_at timestamptz,
    destroyed int[] NOT NULL DEFAULT '{}', -- older epochs
    done_at timestamptz,
    stopped_by text, -- why the last try ended; a text of ours
    stopped_at timestamptz,
    CONSTRAINT stage_is_known CHECK (stage IN ('beginning', 'rewrapping', 'backing_up', 'proving', 'destroying', 'done')),
    CONSTRAINT begun_with_an_epoch CHECK ((stage = 'beginning') = (epoch IS NULL)),
    CONSTRAINT backup_before_proving CHECK (stage IN ('beginning', 'rewrapping', 'backing_up') OR backup IS NOT NULL),
    -- no key-encryption key is destroyed before every key of a fresh backup has been opened without it
    CONSTRAINT proved_before_destroying
        CHECK (stage NOT IN ('destroying', 'done') OR (proved_keys IS NOT NULL AND proved_keys = backup_keys)),
    CONSTRAINT nothing_destroyed_before CHECK (destroyed = '{}' OR stage IN ('destroying', 'done')),
    CONSTRAINT done_has_its_time CHECK ((stage = 'done') = (done_at IS NOT NULL)),
    CONSTRAINT stopped_is_whole CHECK ((stopped_by IS NULL) = (stopped_at IS NULL))
);
-- one at a time
CREATE UNIQUE INDEX rotations_open ON rotations ((done_at IS NULL)) WHERE done_at IS NULL;
