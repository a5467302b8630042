ALTER TABLE erasures
    ADD COLUMN policy text; -- the version of the privacy policy in force when it was asked for
-- squawk-ignore require-concurrent-index-creation
CREATE UNIQUE INDEX erasures_receipt_name ON erasures (receipt_name); -- so few rows that nobody waits for it
ALTER TABLE erasure_holders
    ADD COLUMN statement jsonb; -- contracts.receipt_files.HolderPart: what the receipt shows of the answer, signed

-- What is attested of an erasure, edition by edition; the newest that the public log proves is handed out. No row names
-- anybody: who it is of can be found through `erasures` alone, for as long as that keeps the name.
CREATE TABLE receipts (
    name text NOT NULL,
    edition int NOT NULL,
    body text NOT NULL, -- canonical JSON: its SHA-256 is in ErasureAttested
    payload bytea NOT NULL, -- ErasureAttested as it was sent
    salt bytea NOT NULL, -- opens the log's commitment to it
    leaf text NOT NULL, -- the log's entry
    attested_at timestamptz NOT NULL,
    proof text, -- C2SP tlog-proof of the entry, checked
    proven_at timestamptz,
    PRIMARY KEY (name, edition),
    CONSTRAINT proven_has_its_proof CHECK ((proof IS NULL) = (proven_at IS NULL))
);
CREATE INDEX receipts_unproven ON receipts (attested_at) WHERE proof IS NULL;
