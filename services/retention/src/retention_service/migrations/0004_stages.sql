-- delivering -> asking -> fencing -> telling -> mailing -> destroying -> done
ALTER TABLE erasures
    ADD COLUMN receipt text, -- random: holders and receipt name the erasure by it, and it stands nowhere beside the person
    ADD COLUMN told_at timestamptz, -- every recipient of disclosed data has been written to, or is being chased
    ADD COLUMN mailed_at timestamptz, -- the last mail went out, or was given up
    ADD COLUMN mail_outcome text; -- LastMailOutcome
-- squawk-ignore ban-drop-constraint
ALTER TABLE erasures DROP CONSTRAINT stage_is_known; -- a wider one stands below
-- squawk-ignore ban-drop-constraint
ALTER TABLE erasures DROP CONSTRAINT answered_before_fencing; -- a wider one stands below
-- squawk-ignore ban-drop-constraint
ALTER TABLE erasures DROP CONSTRAINT fenced_before_destroying; -- a wider one stands below
-- squawk-ignore ban-drop-constraint
ALTER TABLE erasures DROP CONSTRAINT no_fence_while_asking; -- a wider one stands below
-- squawk-ignore ban-drop-constraint
ALTER TABLE erasures DROP CONSTRAINT destroyed_behind_a_fence; -- a wider one stands below
ALTER TABLE erasures ADD CONSTRAINT stage_is_known
    CHECK (stage IN ('delivering', 'asking', 'fencing', 'telling', 'mailing', 'destroying', 'done')) NOT VALID;
ALTER TABLE erasures ADD CONSTRAINT answered_before_fencing
    CHECK ((stage IN ('delivering', 'asking')) = (answered_at IS NULL)) NOT VALID;
ALTER TABLE erasures ADD CONSTRAINT fenced_before_telling
    CHECK ((stage IN ('delivering', 'asking', 'fencing')) = (fenced_at IS NULL)) NOT VALID;
ALTER TABLE erasures ADD CONSTRAINT no_fence_while_asking
    CHECK (stage NOT IN ('delivering', 'asking') OR fence_id IS NULL) NOT VALID;
ALTER TABLE erasures ADD CONSTRAINT told_behind_a_fence
    CHECK (stage IN ('delivering', 'asking', 'fencing') OR fence_id IS NOT NULL) NOT VALID;
ALTER TABLE erasures ADD CONSTRAINT told_before_mailing
    CHECK (stage <> 'mailing' OR told_at IS NOT NULL) NOT VALID;
ALTER TABLE erasures ADD CONSTRAINT not_told_early
    CHECK (stage NOT IN ('delivering', 'asking', 'fencing', 'telling') OR told_at IS NULL) NOT VALID;
ALTER TABLE erasures ADD CONSTRAINT mailed_is_whole
    CHECK ((mailed_at IS NULL) = (mail_outcome IS NULL)) NOT VALID;
ALTER TABLE erasures ADD CONSTRAINT not_mailed_early
    CHECK (stage IN ('destroying', 'done') OR mailed_at IS NULL) NOT VALID;
