-- FHIR bulk data: what programs asked to take out, piece by piece, until it is fetched or its day is over.
-- And: what has happened stands, for whoever owns the tables too.

create table bulk_export (
    practice_id uuid not null,
    id uuid not null,
    row_version bigint not null,
    seal_version integer not null,
    event_id uuid not null,
    client_id uuid not null,
    types text not null,
    state text not null check (state in ('making', 'ready', 'cancelled', 'expired', 'failed')),
    whole boolean not null,
    asked_at timestamptz not null,
    ends_at timestamptz not null,
    step integer not null,
    last_id uuid,
    pieces integer not null,
    done bigint not null,
    damaged bigint not null,
    request bytea not null,
    primary key (practice_id, id),
    foreign key (practice_id, client_id) references api_client (practice_id, id)
);
create index bulk_export_client on bulk_export (practice_id, client_id, asked_at);
call wall('bulk_export', 'rows', 'select, insert, update');

-- A piece of a file: lines of NDJSON, sealed under the practice's key. It goes when the export is cancelled,
-- fails, or a day after it was complete.
create table bulk_piece (
    practice_id uuid not null,
    id uuid not null,
    row_version bigint not null,
    seal_version integer not null,
    event_id uuid not null,
    export_id uuid not null,
    resource_type text not null,
    place integer not null,
    lines bigint not null,
    content bytea not null,
    primary key (practice_id, id),
    unique (practice_id, export_id, place),
    foreign key (practice_id, export_id) references bulk_export (practice_id, id)
);
call wall('bulk_piece', 'rows', 'select, insert, delete');

-- The running role may only add to the log. Its owner, with whose rights the audit's own functions run, could
-- do more: not past these. Whoever would needs the rights of a superuser, and then the proofs show it.
create function audit_stands() returns trigger
    language plpgsql set search_path = pg_catalog, public
as $$
begin
    raise exception 'what has happened stands' using errcode = 'VS002';
end
$$;
revoke all on function audit_stands() from public;
create trigger audit_stands before update or delete or truncate on audit_event
    for each statement execute function audit_stands();
create trigger audit_stands before update or delete or truncate on audit_subject
    for each statement execute function audit_stands();
