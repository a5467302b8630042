-- What a holder stated in answer to former askings of an erasure that grew or was opened again: {nonce: statement}.
ALTER TABLE erasure_holders ADD COLUMN former jsonb NOT NULL DEFAULT '{}';
