-- The tree's own order: every entry has exactly one leaf, and leaves are numbered without gaps, which positions are not.
-- A leaf's bytes are what the log commits to for ever, so they are kept as they were then, whatever later versions
-- would write. They tell nothing of whom.
CREATE TABLE leaves (
    leaf_index bigint PRIMARY KEY,
    position bigint, -- of its entry; null for a leaf taken back from the published log, until its event is replayed
    commitment bytea NOT NULL, -- finds the leaf of an event, also of one that is replayed
    leaf bytea NOT NULL,
    CONSTRAINT an_entry_has_one_leaf UNIQUE (position),
    CONSTRAINT leaves_are_counted_from_zero CHECK (leaf_index >= 0)
);
CREATE INDEX leaves_commitment ON leaves USING hash (commitment);
CREATE INDEX leaves_without_entry ON leaves (leaf_index) WHERE position IS NULL;
ALTER TABLE leaves ALTER COLUMN commitment SET STORAGE EXTERNAL;
ALTER TABLE leaves ALTER COLUMN leaf SET STORAGE EXTERNAL;

-- Entries that have no leaf yet. Filled by whoever adds entries, an older version too, in the same transaction: that is
-- why it is a trigger.
CREATE TABLE unsequenced (
    position bigint PRIMARY KEY
);

CREATE FUNCTION await_leaves() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO unsequenced (position) SELECT added.position FROM added;
    RETURN NULL;
END
$$;

CREATE TRIGGER entries_await_leaves AFTER INSERT ON entries
    REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION await_leaves();

INSERT INTO unsequenced (position) SELECT position FROM entries;
