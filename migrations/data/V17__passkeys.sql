-- Passkeys (WebAuthn Level 3): a key pair of a person's device, of which the public half is here. The device asks who is
-- in front of it before it signs, so one passkey is both factors.

-- The id of a credential is drawn by the device and known to nobody else; it is looked up by its hash.
create table passkey (
    practice_id uuid not null,
    id uuid not null,
    row_version bigint not null,
    seal_version integer not null,
    event_id uuid not null,
    person_id uuid not null,
    key_hash bytea not null check (length(key_hash) = 32),
    created_at timestamptz not null,
    used_at timestamptz,
    name bytea not null,
    credential bytea not null,
    primary key (practice_id, id),
    unique (practice_id, key_hash),
    foreign key (practice_id, person_id) references person (practice_id, id)
);
create index passkey_of on passkey (practice_id, person_id, created_at);
call wall('passkey', 'rows', 'select, insert, update, delete');

-- What was asked of a device travels sealed with the page and comes back with the answer: an answer is taken once.
create table passkey_answered (
    practice_id uuid not null,
    asked_hash bytea not null check (length(asked_hash) = 32),
    expires_at timestamptz not null,
    primary key (practice_id, asked_hash)
);
create index passkey_answered_until on passkey_answered (practice_id, expires_at);
call wall('passkey_answered', 'none', 'select, insert, delete');

alter table session
    drop constraint session_factors_check,
    add constraint session_factors_check
        check (factors in ('password+totp', 'password+recovery', 'password+passkey', 'passkey')),
    drop constraint session_ended_why_check,
    add constraint session_ended_why_check
        check (ended_why in ('sign-out', 'other', 'password', 'totp', 'passkey', 'removed', 'suspended'));

alter table half_sign_in
    drop constraint half_sign_in_next_check,
    add constraint half_sign_in_next_check check (next in ('totp', 'enrol', 'passkey'));
