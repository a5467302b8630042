-- what 0004 demanded of new rows holds of old ones too
ALTER TABLE erasures VALIDATE CONSTRAINT stage_is_known;
ALTER TABLE erasures VALIDATE CONSTRAINT answered_before_fencing;
ALTER TABLE erasures VALIDATE CONSTRAINT fenced_before_telling;
ALTER TABLE erasures VALIDATE CONSTRAINT no_fence_while_asking;
ALTER TABLE erasures VALIDATE CONSTRAINT told_behind_a_fence;
ALTER TABLE erasures VALIDATE CONSTRAINT told_before_mailing;
ALTER TABLE erasures VALIDATE CONSTRAINT not_told_early;
ALTER TABLE erasures VALIDATE CONSTRAINT mailed_is_whole;
ALTER TABLE erasures VALIDATE CONSTRAINT not_mailed_early;
