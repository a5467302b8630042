-- Keys that a service asked for and that nothing has told are used yet: after a day profile is asked (decision 24).
-- Keys from before count as used.
ALTER TABLE subject_keys ADD COLUMN unconfirmed_since timestamptz;
-- squawk-ignore require-concurrent-index-creation
CREATE INDEX subject_keys_unconfirmed ON subject_keys (unconfirmed_since) WHERE unconfirmed_since IS NOT NULL;
ALTER TABLE subject_keys ADD CONSTRAINT only_living_keys_wait
    CHECK (unconfirmed_since IS NULL OR wrapped IS NOT NULL) NOT VALID;
