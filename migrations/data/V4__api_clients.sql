-- Programs that a practice has let in over its API: what they may do, and what they prove themselves by.

-- A client proves itself by a key of ours (only its hash is here) or by keys of its own (their public
-- halves, sealed). Its scopes never change: another scope is another client.
create table api_client (
    practice_id uuid not null,
    id uuid not null,
    row_version bigint not null,
    seal_version integer not null,
    event_id uuid not null,
    kind text not null check (kind in ('key', 'smart')),
    state text not null check (state in ('active', 'revoked')),
    scopes text not null,
    token_hash bytea check (length(token_hash) = 32),
    created_by uuid not null,
    created_at timestamptz not null,
    expires_at timestamptz not null,
    ended_at timestamptz,
    name bytea not null,
    keys bytea not null,
    primary key (practice_id, id),
    unique (practice_id, token_hash)
);
call wall('api_client', 'rows', 'select, insert, update');

-- When a client was last heard of: counters, not history. Null: never yet.
create table api_client_seen (
    practice_id uuid not null,
    client_id uuid not null,
    seen_at timestamptz,
    primary key (practice_id, client_id),
    foreign key (practice_id, client_id) references api_client (practice_id, id)
) with (fillfactor = 50);
call wall('api_client_seen', 'none', 'select, insert, update');

-- A pass for minutes, given to a client that has proved itself by its own key (SMART Backend Services).
create table api_token (
    practice_id uuid not null,
    id uuid not null,
    row_version bigint not null,
    seal_version integer not null,
    event_id uuid not null,
    client_id uuid not null,
    token_hash bytea not null check (length(token_hash) = 32),
    scopes text not null,
    created_at timestamptz not null,
    expires_at timestamptz not null,
    primary key (practice_id, id),
    unique (practice_id, token_hash),
    foreign key (practice_id, client_id) references api_client (practice_id, id)
);
create index api_token_client on api_token (practice_id, client_id, created_at);
call wall('api_token', 'rows', 'select, insert, delete');

-- The proofs that a client has used, by the hash of their `jti`: each is good once. Kept until the
-- proof itself would have ended.
create table api_proof_used (
    practice_id uuid not null,
    client_id uuid not null,
    proof_hash bytea not null check (length(proof_hash) = 32),
    expires_at timestamptz not null,
    primary key (practice_id, client_id, proof_hash),
    foreign key (practice_id, client_id) references api_client (practice_id, id)
);
call wall('api_proof_used', 'none', 'select, insert, delete');
