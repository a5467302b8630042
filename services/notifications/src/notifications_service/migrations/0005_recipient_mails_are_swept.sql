-- finds what is older than the window; so few rows that nobody waits for it
-- squawk-ignore require-concurrent-index-creation
CREATE INDEX recipient_mails_asked ON recipient_mails (asked_at);
