-- Positions that wait, as ranges: those of one statement nearly always follow one another, and an array of them cost a
-- tenth of storing the entries. Where others were numbered in between, there are several ranges.
LOCK TABLE entries IN SHARE ROW EXCLUSIVE MODE; -- until nobody is within the function's former body
ALTER TABLE unsequenced_batches
    ADD COLUMN size int, -- how many positions
    ADD COLUMN waiting int8multirange; -- they themselves
-- unused from here on: who is of the version before finds nothing to take, and entries wait for this one
-- squawk-ignore ban-drop-not-null
ALTER TABLE unsequenced_batches ALTER COLUMN positions DROP NOT NULL;
UPDATE unsequenced_batches SET
    size = cardinality(positions),
    waiting = (SELECT range_agg(int8range(one.position, one.position, '[]')) FROM unnest(positions) AS one (position)),
    positions = NULL;
ALTER TABLE unsequenced_batches
    ADD CONSTRAINT ranges_are_told CHECK (size IS NOT NULL AND waiting IS NOT NULL) NOT VALID;

CREATE OR REPLACE FUNCTION await_leaves() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO unsequenced_batches (first, size, waiting)
    SELECT
        min(added.position),
        count(*),
        CASE WHEN max(added.position) - min(added.position) = count(*) - 1
            THEN int8multirange(int8range(min(added.position), max(added.position), '[]'))
            ELSE (SELECT range_agg(int8range(each.position, each.position, '[]')) FROM added AS each)
        END
    FROM added HAVING count(*) > 0;
    RETURN NULL;
END
$$;
