-- Each time this database was found to be from the past: what it forgot is caught up with before anything is served.
CREATE TABLE recoveries (
    number int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    sign text NOT NULL, -- how it was noticed
    missing_since timestamptz NOT NULL, -- what happened before is here; what happened since may not be
    noticed_at timestamptz NOT NULL,
    sought_at timestamptz, -- Kafka's committed offsets are this database's again
    reapplied_at timestamptz, -- the erasures since have been done again
    done_at timestamptz, -- and every topic was read again to where it ended then
    refused text, -- why it can't be caught up with; a text of ours
    CONSTRAINT sign_is_known CHECK (sign IN ('told', 'offsets', 'records gone')),
    -- no erasure is taken for known before no fence can pass on the strength of offsets that are not ours
    CONSTRAINT sought_before_reapplied CHECK (reapplied_at IS NULL OR sought_at IS NOT NULL),
    CONSTRAINT reapplied_before_done CHECK (done_at IS NULL OR reapplied_at IS NOT NULL)
);
-- one at a time
CREATE UNIQUE INDEX recoveries_open ON recoveries ((done_at IS NULL)) WHERE done_at IS NULL;
