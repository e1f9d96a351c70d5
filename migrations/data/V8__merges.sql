-- Two records that turn out to be of one person, and taking that back.

-- A record that was merged into another stays, with its own key, and says where it went: always to the
-- record that stands for the person now, never to one that was itself merged away. The two columns that
-- PostgreSQL fills by itself let a foreign key say so, and keep saying so whoever writes at once: there are
-- no chains to follow and no circles.
alter table patient add column merged_into uuid;
alter table patient add column stands boolean not null generated always as (merged_into is null) stored;
alter table patient add column into_standing boolean
    generated always as (case when merged_into is not null then true end) stored;
alter table patient add constraint patient_stands unique (practice_id, id, stands);
-- PostgreSQL looks through what is there, and the wall raises where no practice is set. Nobody is merged yet,
-- whichever practice it looks at.
set app.practice = '00000000-0000-0000-0000-000000000000';
alter table patient add constraint patient_merged_into
    foreign key (practice_id, merged_into, into_standing) references patient (practice_id, id, stands);
reset app.practice;
create index patient_merged on patient (practice_id, merged_into) where merged_into is not null;

-- Each merge: who went into whom, what came of it and what was before, so that it can be undone. Whoever
-- erases a person destroys the key of every record that this leads to, in both directions, of merges that
-- were undone too: what one record took over from another is sealed under its own key.
create table patient_merge (
    practice_id uuid not null,
    id uuid not null,
    row_version bigint not null,
    seal_version integer not null,
    event_id uuid not null,
    patient_id uuid not null,
    into_id uuid not null,
    made_at timestamptz not null,
    undone_at timestamptz,
    kept bytea not null,
    primary key (practice_id, id),
    check (patient_id <> into_id),
    foreign key (practice_id, patient_id) references patient (practice_id, id),
    foreign key (practice_id, into_id) references patient (practice_id, id)
);
create unique index patient_merge_stands on patient_merge (practice_id, patient_id) where undone_at is null;
create index patient_merge_into on patient_merge (practice_id, into_id);
call wall('patient_merge', 'rows', 'select, insert, update');
