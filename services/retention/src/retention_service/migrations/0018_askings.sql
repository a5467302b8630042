-- Which request to the holders this is: an erasure that grew, or left something behind, asked anew.
ALTER TABLE erasures ADD COLUMN asking int NOT NULL DEFAULT 1;

UPDATE erasures SET asking = 1 + cardinality(former_nonces) WHERE former_nonces <> '{}';
