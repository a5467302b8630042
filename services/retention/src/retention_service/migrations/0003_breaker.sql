-- Each time so many erasures were to begin that key destruction stopped until two officers let it go on.
CREATE TABLE breaker_trips (
    trip_id uuid PRIMARY KEY,
    tripped_at timestamptz NOT NULL,
    begun bigint NOT NULL, -- within the hour before
    most bigint NOT NULL, -- that may begin within an hour
    first_officer text,
    first_at timestamptz,
    released_by text,
    released_at timestamptz,
    CONSTRAINT first_has_its_time CHECK ((first_officer IS NULL) = (first_at IS NULL)),
    CONSTRAINT release_has_its_time CHECK ((released_by IS NULL) = (released_at IS NULL)),
    -- nobody releases alone
    CONSTRAINT two_officers CHECK (released_by IS NULL OR first_officer IS NOT NULL AND released_by <> first_officer)
);
-- while one is open, nothing begins; there is never a second
CREATE UNIQUE INDEX breaker_trips_open ON breaker_trips ((released_at IS NULL)) WHERE released_at IS NULL;
CREATE INDEX breaker_trips_released ON breaker_trips (released_at);

-- Erasures that were asked for while a trip was open: no holder was asked yet, their clock runs all the same.
CREATE TABLE held_back (
    erasure_id uuid PRIMARY KEY REFERENCES erasures (erasure_id),
    trip_id uuid NOT NULL REFERENCES breaker_trips (trip_id),
    subject_id uuid NOT NULL
);
CREATE INDEX held_back_trip ON held_back (trip_id, erasure_id);
CREATE INDEX held_back_subject ON held_back (subject_id);
