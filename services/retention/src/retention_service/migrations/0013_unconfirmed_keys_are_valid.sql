-- what 0012 demanded of new rows holds of old ones too
ALTER TABLE subject_keys VALIDATE CONSTRAINT only_living_keys_wait;
