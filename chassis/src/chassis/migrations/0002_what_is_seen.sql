-- What a service's processes saw last of their surroundings: workers write it, whichever process is asked tells it.
CREATE TABLE sightings (
    what text NOT NULL,
    place text NOT NULL DEFAULT '', -- of an end: topic/partition
    value bigint, -- of an end: the offset after the last record; of the keyring: keys in memory
    seen_at timestamptz NOT NULL,
    PRIMARY KEY (what, place),
    CONSTRAINT known_sight CHECK (what IN ('worker', 'broker', 'relay', 'keyring', 'end'))
);

-- An operator asks for one event by its id. Ids sort by time, as rows do: a summary per range of blocks finds one among
-- millions, and costs a row that is sent and deleted nothing. Both tables are empty or small unless something is wrong.
-- squawk-ignore require-concurrent-index-creation
CREATE INDEX outbox_event ON outbox USING brin (event_id) WITH (pages_per_range = 16, autosummarize = on);
-- squawk-ignore require-concurrent-index-creation
CREATE INDEX parked_event ON parked (event_id) WHERE event_id IS NOT NULL;
