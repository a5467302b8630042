-- What a person looks for stands here once, sealed: their few interests are opened and compared under their lock. No
-- installation exists outside development whose older version would miss the columns.
-- squawk-ignore ban-drop-column
ALTER TABLE job_interests DROP COLUMN occupation; -- unused since 0004, which leaves it in `words`
-- squawk-ignore ban-drop-column
ALTER TABLE job_interests DROP COLUMN place; -- unused since 0004, which leaves it in `words`
CLUSTER job_interests USING job_interests_pkey; -- written anew: a dropped column's values stay in the file otherwise
ALTER TABLE job_interests SET WITHOUT CLUSTER;
-- squawk-ignore require-concurrent-index-creation
CREATE INDEX job_interests_subject ON job_interests (subject_id, interest_id);
