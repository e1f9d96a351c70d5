-- Patients: who they are, how to reach them, the numbers others gave them, warnings, and the
-- entries of their record. Sealed columns are bytea; what is clear, and why, stands in docs/data-map.csv.

create table patient (
    practice_id uuid not null,
    id uuid not null,
    row_version bigint not null,
    seal_version integer not null,
    event_id uuid not null,
    active boolean not null,
    names bytea not null,
    birth bytea not null,
    gender bytea not null,
    pronouns bytea not null,
    deceased bytea not null,
    contacts bytea not null,
    addresses bytea not null,
    languages bytea not null,
    marital bytea not null,
    rest bytea not null,
    primary key (practice_id, id)
);
call wall('patient', 'rows', 'select, insert, update');

create table patient_identifier (
    practice_id uuid not null,
    id uuid not null,
    row_version bigint not null,
    seal_version integer not null,
    event_id uuid not null,
    patient_id uuid not null,
    kind text not null,
    active boolean not null,
    value bytea not null,
    masked bytea not null,
    primary key (practice_id, id),
    foreign key (practice_id, patient_id) references patient (practice_id, id)
);
create index patient_identifier_patient on patient_identifier (practice_id, patient_id);
call wall('patient_identifier', 'rows', 'select, insert, update');

create table patient_alert (
    practice_id uuid not null,
    id uuid not null,
    row_version bigint not null,
    seal_version integer not null,
    event_id uuid not null,
    patient_id uuid not null,
    severity text not null check (severity in ('high', 'usual')),
    active boolean not null,
    text bytea not null,
    primary key (practice_id, id),
    foreign key (practice_id, patient_id) references patient (practice_id, id)
);
create index patient_alert_patient on patient_alert (practice_id, patient_id);
call wall('patient_alert', 'rows', 'select, insert, update');

create table record_entry (
    practice_id uuid not null,
    id uuid not null,
    row_version bigint not null,
    seal_version integer not null,
    event_id uuid not null,
    patient_id uuid not null,
    kind text not null,
    occurred_at timestamptz,
    summary bytea not null,
    body bytea not null,
    primary key (practice_id, id),
    foreign key (practice_id, patient_id) references patient (practice_id, id)
);
create index record_entry_time on record_entry (practice_id, patient_id, occurred_at desc nulls last, id);
call wall('record_entry', 'rows', 'select, insert, update');

-- FHIR resources that an import brought and that belong to no patient: kept sealed. One whose patient
-- comes in later moves into the record.
create table kept_resource (
    practice_id uuid not null,
    id uuid not null,
    row_version bigint not null,
    seal_version integer not null,
    event_id uuid not null,
    resource_type text not null,
    resource bytea not null,
    primary key (practice_id, id)
);
call wall('kept_resource', 'rows', 'select, insert, update, delete');

-- One run of an import: what it came to so far. A run that was cut short is taken up by the next over
-- the same files.
create table import_run (
    practice_id uuid not null,
    id uuid not null,
    row_version bigint not null,
    seal_version integer not null,
    event_id uuid not null,
    state text not null check (state in ('running', 'finished')),
    started_at timestamptz not null,
    digest bytea not null,
    added bigint not null,
    matched bigint not null,
    skipped bigint not null,
    rejected bigint not null,
    source bytea not null,
    primary key (practice_id, id)
);
create unique index import_run_open on import_run (practice_id, digest) where state = 'running';
call wall('import_run', 'rows', 'select, insert, update');

-- Where an imported resource went: a blind token of its source, and of its content, so that the same
-- file brought in again changes nothing. Which run wrote it and what it came to then: a run that is taken
-- up again counts what it did before it was cut short as what it was, not as known already.
create table import_key (
    practice_id uuid not null,
    token bytea not null,
    target_kind text not null,
    target_id uuid not null,
    digest bytea not null,
    outcome text not null check (outcome in ('add', 'match', 'keep')),
    run_id uuid not null,
    primary key (practice_id, token),
    foreign key (practice_id, run_id) references import_run (practice_id, id)
);
call wall('import_key', 'any', 'select, insert, update');
