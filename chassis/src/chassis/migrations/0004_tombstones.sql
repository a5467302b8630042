-- Tombstones are swept once their window is over, oldest first. Few rows have one, so it is made in one look.
-- squawk-ignore require-concurrent-index-creation
CREATE INDEX subjects_erased ON subjects (erased_at, subject_id) WHERE erased_at IS NOT NULL;
