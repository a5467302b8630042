-- Looks for what an erasure left behind, 7 and 30 days after it: one row for each holder that must look.
CREATE TABLE residue_scans (
    nonce text NOT NULL, -- names one scan, and binds the holders' answers to it
    holder text NOT NULL,
    erasure_id uuid NOT NULL REFERENCES erasures (erasure_id),
    subject_id uuid NOT NULL,
    attempts int NOT NULL,
    requested_at timestamptz NOT NULL,
    asked_at timestamptz NOT NULL,
    replied_at timestamptz,
    columns int, -- how many it read
    found jsonb, -- {"table.column": rows}; empty when clean
    PRIMARY KEY (nonce, holder),
    CONSTRAINT answer_is_whole
        CHECK ((replied_at IS NULL) = (found IS NULL) AND (replied_at IS NULL) = (columns IS NULL))
);
CREATE INDEX residue_scans_erasure ON residue_scans (erasure_id, requested_at);
CREATE INDEX residue_scans_subject ON residue_scans (subject_id);
CREATE INDEX residue_scans_silent ON residue_scans (holder) WHERE replied_at IS NULL;
