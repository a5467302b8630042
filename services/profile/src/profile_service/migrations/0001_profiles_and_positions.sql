-- Organisations. The name is the one it was first registered with.
CREATE TABLE employers (
    employer_id uuid PRIMARY KEY,
    orgnr text NOT NULL UNIQUE,
    name text NOT NULL,
    registered_at timestamptz NOT NULL,
    CONSTRAINT orgnr_is_nine_digits CHECK (orgnr ~ '^[0-9]{9}$') -- its check digit is checked where it comes in
);

-- People. `deleted_at`: the profile ended for good, its erasure is under way, and nothing of it is served any more.
CREATE TABLE profiles (
    subject_id uuid PRIMARY KEY,
    kind text NOT NULL, -- 'job_seeker' or 'employer'
    employer_id uuid REFERENCES employers (employer_id),
    details bytea NOT NULL, -- sealed under user_information: name, e-mail, phone, home address, date of birth
    registered_at timestamptz NOT NULL,
    corrected_at timestamptz,
    deleted_at timestamptz,
    CONSTRAINT kind_is_known CHECK (kind IN ('job_seeker', 'employer')),
    CONSTRAINT employer_users_have_an_employer CHECK ((kind = 'employer') = (employer_id IS NOT NULL)) -- and nobody else
);

-- How people log in. The row goes when the profile ends, so that its e-mail is free again and no password is kept.
CREATE TABLE logins (
    subject_id uuid PRIMARY KEY,
    kind text NOT NULL,
    email_hash bytea NOT NULL UNIQUE, -- keyed: nobody without the service's key can enumerate it
    credential bytea NOT NULL, -- sealed under user_information: the argon2id hash
    changed_at timestamptz NOT NULL,
    CONSTRAINT kind_is_known CHECK (kind IN ('job_seeker', 'employer')),
    CONSTRAINT email_hash_is_a_hash CHECK (length(email_hash) = 32)
);

CREATE TABLE resumes (
    subject_id uuid PRIMARY KEY,
    resume bytea NOT NULL, -- sealed under user_information: JSON Resume
    stored_at timestamptz NOT NULL
);

-- What a person looks for, twice: as compared (plain, because it is searched; erased with its owner), and as written.
CREATE TABLE job_interests (
    interest_id uuid PRIMARY KEY,
    subject_id uuid NOT NULL,
    occupation text NOT NULL,
    place text, -- null: anywhere
    words bytea NOT NULL, -- sealed under user_information: occupation and place as the person wrote them
    saved_at timestamptz NOT NULL,
    CONSTRAINT same_interest_is_saved_once UNIQUE NULLS NOT DISTINCT (subject_id, occupation, place),
    CONSTRAINT place_is_named_or_null CHECK (place <> '') -- an empty place would match no position, in silence
);

-- A deletion that was asked for. The row goes when it is cancelled, or with the erasure that it leads to.
CREATE TABLE deletions (
    subject_id uuid PRIMARY KEY,
    reason text NOT NULL, -- contracts.profile.DeletionReason
    requested_at timestamptz NOT NULL,
    final_at timestamptz NOT NULL,
    CONSTRAINT person_asks_for_one_of_two CHECK (reason IN ('terminated', 'requested')),
    CONSTRAINT cooling_off_is_not_negative CHECK (final_at >= requested_at)
);

-- Adverts of employers, about no person.
CREATE TABLE positions (
    position_id uuid PRIMARY KEY, -- UUIDv7: the order of its publication
    employer_id uuid NOT NULL REFERENCES employers (employer_id),
    employer_name text NOT NULL, -- as published
    external_id text, -- the employer's own name for it
    title text NOT NULL,
    occupation text NOT NULL,
    place text NOT NULL,
    description_html text,
    published_at timestamptz NOT NULL,
    expires_at timestamptz,
    closed_at timestamptz,
    closing_reason text,
    CONSTRAINT imported_once UNIQUE (employer_id, external_id),
    CONSTRAINT expires_after_publication CHECK (expires_at > published_at),
    CONSTRAINT only_what_is_closed_has_a_reason CHECK ((closed_at IS NULL) = (closing_reason IS NULL))
);
CREATE INDEX positions_open ON positions (position_id) WHERE closed_at IS NULL;

-- Sealed bytes do not compress; stored as they are, a search through the files sees what is there.
ALTER TABLE profiles ALTER COLUMN details SET STORAGE EXTERNAL;
ALTER TABLE logins ALTER COLUMN email_hash SET STORAGE EXTERNAL;
ALTER TABLE logins ALTER COLUMN credential SET STORAGE EXTERNAL;
ALTER TABLE resumes ALTER COLUMN resume SET STORAGE EXTERNAL;
ALTER TABLE job_interests ALTER COLUMN words SET STORAGE EXTERNAL;
