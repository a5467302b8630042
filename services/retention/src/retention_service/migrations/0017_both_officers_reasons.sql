-- what the second officer saw for themselves
ALTER TABLE holder_retirements ADD COLUMN second_reason text;
