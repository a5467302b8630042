-- A holder that is gone for good is asked no more. What it left unanswered stays unanswered, and every receipt says so.
ALTER TABLE holders ADD COLUMN retired_at timestamptz; -- for good: its name does not come back

-- Which officers retired it, and why: nobody shrinks whom an erasure asks alone.
CREATE TABLE holder_retirements (
    holder text PRIMARY KEY REFERENCES holders (holder),
    reason text NOT NULL, -- the first officer's words, about a service and no person
    first_officer text NOT NULL,
    first_at timestamptz NOT NULL,
    second_officer text,
    retired_at timestamptz,
    CONSTRAINT two_officers CHECK (second_officer <> first_officer),
    CONSTRAINT retired_has_its_time CHECK ((second_officer IS NULL) = (retired_at IS NULL))
);
