-- which erasures a holder answered since a moment, for one that was restored from before: asked seldom, in this order
-- squawk-ignore require-concurrent-index-creation
CREATE INDEX erasure_holders_replied ON erasure_holders (holder, replied_at, erasure_id) WHERE replied_at IS NOT NULL;
