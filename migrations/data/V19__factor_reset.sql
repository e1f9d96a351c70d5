-- Setting up the second factor anew for somebody who has lost theirs: an administrator of one of their practices starts
-- it, and the person uses the link that they are sent.
create table factor_reset (
    practice_id uuid not null,
    id uuid not null,
    row_version bigint not null,
    seal_version integer not null,
    event_id uuid not null,
    person_id uuid not null,
    begun_in uuid not null,
    token_hash bytea not null check (length(token_hash) = 32),
    created_at timestamptz not null,
    expires_at timestamptz not null,
    used_at timestamptz,
    ended_at timestamptz,
    primary key (practice_id, id),
    unique (practice_id, token_hash),
    foreign key (practice_id, person_id) references person (practice_id, id),
    foreign key (practice_id, begun_in) references practice_listing (practice_id, id),
    check (used_at is null or ended_at is not null)
);
create index factor_reset_person on factor_reset (practice_id, person_id);
call wall('factor_reset', 'rows', 'select, insert, update');

-- A reset that was begun in one practice shuts the person's doors to all others, each until it has agreed to this reset. One
-- that ended without being used shuts none.
create table factor_reset_agreed (
    practice_id uuid not null,
    id uuid not null,
    row_version bigint not null,
    seal_version integer not null,
    event_id uuid not null,
    person_id uuid not null,
    reset_id uuid not null,
    agreed_in uuid not null,
    created_at timestamptz not null,
    primary key (practice_id, id),
    unique (practice_id, reset_id, agreed_in),
    foreign key (practice_id, person_id) references person (practice_id, id),
    foreign key (practice_id, reset_id) references factor_reset (practice_id, id),
    foreign key (practice_id, agreed_in) references practice_listing (practice_id, id)
);
call wall('factor_reset_agreed', 'rows', 'select, insert');

-- A half sign-in that sets the second factor up anew.
alter table half_sign_in
    drop constraint half_sign_in_next_check,
    add constraint half_sign_in_next_check check (next in ('totp', 'enrol', 'passkey', 'anew'));

alter table session
    drop constraint session_ended_why_check,
    add constraint session_ended_why_check
        check (ended_why in ('sign-out', 'other', 'password', 'totp', 'passkey', 'factors', 'removed', 'suspended'));
