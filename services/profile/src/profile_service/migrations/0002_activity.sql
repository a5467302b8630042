-- When a person last logged in, to the day: what the clock of inactivity (R2) is checked against.
ALTER TABLE logins ADD COLUMN used_at timestamptz; -- null: not since this column is there
