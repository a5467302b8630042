-- Mails to organisations, about nobody whom they name: references that only the recipient can resolve.
CREATE TABLE recipient_mails (
    notice_id uuid NOT NULL,
    reminder int NOT NULL,
    recipient_id uuid NOT NULL,
    mail text NOT NULL, -- a functional mailbox
    kind text NOT NULL, -- contracts.rights.NoticeKind
    refs text[] NOT NULL,
    mail_id uuid NOT NULL, -- of its Message-ID, however often it is sent
    asked_at timestamptz NOT NULL,
    sent_at timestamptz,
    PRIMARY KEY (notice_id, reminder)
);
