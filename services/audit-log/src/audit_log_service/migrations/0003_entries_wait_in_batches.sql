-- Entries that have no leaf yet, those of one statement in one row: a row and an index entry for each of them cost as
-- much as the entries themselves.
CREATE TABLE unsequenced_batches (
    first bigint PRIMARY KEY, -- the smallest of its positions
    positions bigint[] NOT NULL,
    CONSTRAINT somebody_waits CHECK (cardinality(positions) > 0)
);

CREATE OR REPLACE FUNCTION await_leaves() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO unsequenced_batches (first, positions)
    SELECT min(added.position), array_agg(added.position ORDER BY added.position) FROM added HAVING count(*) > 0;
    RETURN NULL;
END
$$;

-- What waits moves over. A sequencer of the version before may be taking some: those it deletes are not moved. It finds
-- nothing more then, and entries wait for this version.
WITH moved AS (DELETE FROM unsequenced RETURNING position)
INSERT INTO unsequenced_batches (first, positions)
SELECT min(position), array_agg(position ORDER BY position) FROM moved GROUP BY position / 500;
