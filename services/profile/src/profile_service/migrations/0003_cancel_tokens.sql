-- The link in the mail that announces a deletion: whoever has it takes the deletion back, once, without logging in.
CREATE TABLE cancel_tokens (
    token_sha256 bytea PRIMARY KEY, -- of a random token, which stands in that mail only
    subject_id uuid NOT NULL UNIQUE,
    final_at timestamptz NOT NULL,
    CONSTRAINT digest_is_one CHECK (length(token_sha256) = 32)
);
