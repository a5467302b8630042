-- What a service's processes saw last of their surroundings: workers write it, whichever process is asked tells it.
CREATE TABLE sightings (
    what text NOT NULL,
    place text NOT NULL DEFAULT '', -- of an end: topic/partition
    value bigint, -- of an end: the offset after the last record; of the keyring: keys in memory
    seen_at timestamptz NOT NULL,
    PRIMARY KEY (what, place),
    CONSTRAINT known_sight CHECK (what IN ('worker', 'broker', 'relay', 'keyring', 'end'))
);
