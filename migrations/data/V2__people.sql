-- People and practices. Persons, sessions and what opens the door live under the house, a practice
-- like any other to these walls (kernel::PracticeId::HOUSE); what a practice knows of its people
-- lives under the practice.

-- Which practices this installation has. The house's list; names are the practices' own.
create table practice_listing (
    practice_id uuid not null,
    id uuid not null,
    row_version bigint not null,
    seal_version integer not null,
    event_id uuid not null,
    slug text not null check (slug ~ '^[a-z0-9][a-z0-9-]{1,62}$'),
    state text not null check (state in ('active', 'closed')),
    primary key (practice_id, id),
    unique (practice_id, slug)
);
call wall('practice_listing', 'rows', 'select, insert, update');

create table practice (
    practice_id uuid not null,
    id uuid not null check (id = practice_id),
    row_version bigint not null,
    seal_version integer not null,
    event_id uuid not null,
    time_zone text not null,
    country text not null check (country ~ '^[A-Z]{2}$'),
    name bytea not null,
    primary key (practice_id, id)
);
call wall('practice', 'rows', 'select, insert, update');

create table person (
    practice_id uuid not null,
    id uuid not null,
    row_version bigint not null,
    seal_version integer not null,
    event_id uuid not null,
    email_token bytea not null check (length(email_token) = 16),
    state text not null check (state in ('active', 'suspended')),
    created_at timestamptz not null,
    secured_at timestamptz not null,
    display_name bytea not null,
    email bytea not null,
    language bytea not null,
    password bytea not null,
    totp bytea not null,
    primary key (practice_id, id),
    unique (practice_id, email_token)
);
call wall('person', 'rows', 'select, insert, update');

create table session (
    practice_id uuid not null,
    id uuid not null,
    row_version bigint not null,
    seal_version integer not null,
    event_id uuid not null,
    token_hash bytea not null check (length(token_hash) = 32),
    person_id uuid not null,
    entered uuid,
    factors text not null check (factors in ('password+totp', 'password+recovery')),
    created_at timestamptz not null,
    expires_at timestamptz not null,
    proved_at timestamptz not null,
    ended_at timestamptz,
    ended_why text check (ended_why in ('sign-out', 'other', 'password', 'totp', 'removed', 'suspended')),
    browser bytea not null,
    source bytea not null,
    primary key (practice_id, id),
    unique (practice_id, token_hash),
    foreign key (practice_id, person_id) references person (practice_id, id)
);
create index session_of on session (practice_id, person_id, created_at);
call wall('session', 'rows', 'select, insert, update');

-- When a session was last used: counters, not history.
create table session_seen (
    practice_id uuid not null,
    session_id uuid not null,
    seen_at timestamptz not null,
    primary key (practice_id, session_id),
    foreign key (practice_id, session_id) references session (practice_id, id) on delete cascade
) with (fillfactor = 50);
call wall('session_seen', 'none', 'select, insert, update');

-- A browser that has proved the password and not yet the second factor (session_id null), or a
-- signed-in one that is replacing its second factor (session_id set).
create table half_sign_in (
    practice_id uuid not null,
    id uuid not null,
    row_version bigint not null,
    seal_version integer not null,
    event_id uuid not null,
    token_hash bytea not null check (length(token_hash) = 32),
    person_id uuid not null,
    session_id uuid,
    next text not null check (next in ('totp', 'enrol')),
    created_at timestamptz not null,
    expires_at timestamptz not null,
    spent_at timestamptz,
    enrolling bytea not null,
    primary key (practice_id, id),
    unique (practice_id, token_hash),
    foreign key (practice_id, person_id) references person (practice_id, id)
);
create index half_sign_in_of on half_sign_in (practice_id, person_id, expires_at);
create index half_sign_in_session on half_sign_in (practice_id, session_id) where session_id is not null;
call wall('half_sign_in', 'rows', 'select, insert, update');

-- The last time step of a one-time password that was accepted: each is good once.
create table totp_used (
    practice_id uuid not null,
    person_id uuid not null,
    step bigint not null,
    primary key (practice_id, person_id)
);
call wall('totp_used', 'none', 'select, insert, update');

create table recovery_code (
    practice_id uuid not null,
    id uuid not null,
    row_version bigint not null,
    seal_version integer not null,
    event_id uuid not null,
    person_id uuid not null,
    code_hash bytea not null check (length(code_hash) = 32),
    created_at timestamptz not null,
    used_at timestamptz,
    primary key (practice_id, id),
    unique (practice_id, person_id, code_hash),
    foreign key (practice_id, person_id) references person (practice_id, id)
);
call wall('recovery_code', 'rows', 'select, insert, update, delete');

create table password_reset (
    practice_id uuid not null,
    id uuid not null,
    row_version bigint not null,
    seal_version integer not null,
    event_id uuid not null,
    person_id uuid not null,
    token_hash bytea not null check (length(token_hash) = 32),
    created_at timestamptz not null,
    expires_at timestamptz not null,
    used_at timestamptz,
    primary key (practice_id, id),
    unique (practice_id, token_hash),
    foreign key (practice_id, person_id) references person (practice_id, id)
);
create index password_reset_person on password_reset (practice_id, person_id);
call wall('password_reset', 'rows', 'select, insert, update');

-- Which practices a person can enter. Not a permission: the membership in the practice decides.
create table door (
    practice_id uuid not null,
    id uuid not null,
    row_version bigint not null,
    seal_version integer not null,
    event_id uuid not null,
    person_id uuid not null,
    opens uuid not null,
    created_at timestamptz not null,
    primary key (practice_id, id),
    unique (practice_id, person_id, opens),
    foreign key (practice_id, person_id) references person (practice_id, id),
    foreign key (practice_id, opens) references practice_listing (practice_id, id)
);
call wall('door', 'rows', 'select, insert, delete');

-- Failed attempts. `subject` is a keyed token: the table shows no address and no e-mail.
create table throttle (
    practice_id uuid not null,
    rule text not null,
    subject bytea not null,
    failures integer not null check (failures >= 0),
    last_at timestamptz not null,
    primary key (practice_id, rule, subject)
);
call wall('throttle', 'none', 'select, insert, update, delete');

create table membership (
    practice_id uuid not null,
    id uuid not null,
    row_version bigint not null,
    seal_version integer not null,
    event_id uuid not null,
    roles text not null,
    status text not null check (status in ('active', 'suspended', 'removed')),
    joined_at timestamptz not null,
    ended_at timestamptz,
    display_name bytea not null,
    email bytea not null,
    title bytea not null,
    primary key (practice_id, id)
);
call wall('membership', 'rows', 'select, insert, update');

create table invitation (
    practice_id uuid not null,
    id uuid not null,
    row_version bigint not null,
    seal_version integer not null,
    event_id uuid not null,
    token_hash bytea not null check (length(token_hash) = 32),
    email_token bytea not null check (length(email_token) = 16),
    roles text not null,
    invited_by uuid not null,
    status text not null check (status in ('open', 'accepted', 'revoked')),
    created_at timestamptz not null,
    expires_at timestamptz not null,
    settled_at timestamptz,
    accepted_by uuid,
    email bytea not null,
    display_name bytea not null,
    title bytea not null,
    primary key (practice_id, id),
    unique (practice_id, token_hash)
);
create unique index invitation_open on invitation (practice_id, email_token) where status = 'open';
call wall('invitation', 'rows', 'select, insert, update');
