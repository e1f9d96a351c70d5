-- Files that somebody sends from a page to be brought in: sealed pieces, until they are brought in or their
-- week is over, and the reports of what trying them and bringing them in came to.

create table import_upload (
    practice_id uuid not null,
    id uuid not null,
    row_version bigint not null,
    seal_version integer not null,
    event_id uuid not null,
    asked_by uuid not null,
    began_at timestamptz not null,
    ends_at timestamptz not null,
    kind text not null check (kind in ('fhir', 'csv', 'vcard')),
    state text not null check (state in (
        'receiving', 'ready', 'checking', 'checked', 'bringing', 'brought', 'cancelled', 'failed', 'expired', 'gone')),
    -- The work that is at it now, or was last: one for each time that somebody asks.
    phase uuid,
    run_id uuid,
    bytes bigint not null,
    learning boolean not null,
    done_bytes bigint not null,
    all_bytes bigint not null,
    done_resources bigint not null,
    problem text,
    files bytea not null,
    settings bytea not null,
    primary key (practice_id, id),
    foreign key (practice_id, run_id) references import_run (practice_id, id)
);
create index import_upload_began on import_upload (practice_id, began_at desc);
create index import_upload_phase on import_upload (practice_id, phase);
call wall('import_upload', 'rows', 'select, insert, update');

-- A stretch of one of its files, sealed under the practice's key.
create table import_piece (
    practice_id uuid not null,
    id uuid not null,
    row_version bigint not null,
    seal_version integer not null,
    event_id uuid not null,
    upload_id uuid not null,
    file integer not null,
    place integer not null,
    content bytea not null,
    primary key (practice_id, id),
    unique (practice_id, upload_id, file, place),
    foreign key (practice_id, upload_id) references import_upload (practice_id, id)
);
-- It is as good as random: to compress it costs time and gains nothing.
alter table import_piece alter column content set storage external;
call wall('import_piece', 'rows', 'select, insert, delete');

-- What trying it, or bringing it in, came to. Holds no values but names of files and columns.
create table import_report (
    practice_id uuid not null,
    id uuid not null,
    row_version bigint not null,
    seal_version integer not null,
    event_id uuid not null,
    upload_id uuid not null,
    dry boolean not null,
    written_at timestamptz not null,
    report bytea not null,
    primary key (practice_id, id),
    unique (practice_id, upload_id, dry),
    foreign key (practice_id, upload_id) references import_upload (practice_id, id)
);
call wall('import_report', 'rows', 'select, insert, delete');
