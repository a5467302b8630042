-- What an event about several people said goes when any of them is erased. Hardly any are: the index is small, and
-- building it reads the table once.
-- squawk-ignore require-concurrent-index-creation
CREATE INDEX contents_several ON contents USING gin (subject_ids) WHERE subject_ids IS NOT NULL;
