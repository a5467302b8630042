-- Copies of people's data that wait to be fetched, once, by a link: an erasure is begun when they were, or after 7 days.
CREATE TABLE exports (
    export_id uuid PRIMARY KEY,
    subject_id uuid NOT NULL,
    archive bytea, -- sealed under the export's own key; gone with it
    link_sha256 bytea UNIQUE, -- of the link's token, which is kept nowhere
    opened_by text NOT NULL, -- the officer's key
    opened_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    closed_at timestamptz,
    ended text, -- contracts.rights.ExportEnd
    CONSTRAINT open_has_archive_and_link
        CHECK ((closed_at IS NULL) = (archive IS NOT NULL) AND (closed_at IS NULL) = (link_sha256 IS NOT NULL)),
    CONSTRAINT closed_has_its_end CHECK ((closed_at IS NULL) = (ended IS NULL))
);
CREATE INDEX exports_open_subject ON exports (subject_id, opened_at) WHERE closed_at IS NULL;
CREATE INDEX exports_subject ON exports (subject_id);
ALTER TABLE exports ALTER COLUMN archive SET STORAGE EXTERNAL;
