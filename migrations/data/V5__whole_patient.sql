-- Records that only named people may open. Whether somebody is named is a fact of each request's own
-- transaction; the policies decide what follows from it.

alter table patient add column restricted boolean not null default false;

create table patient_access (
    practice_id uuid not null,
    id uuid not null,
    row_version bigint not null,
    seal_version integer not null,
    event_id uuid not null,
    patient_id uuid not null,
    person_id uuid not null,
    primary key (practice_id, id),
    unique (practice_id, patient_id, person_id),
    foreign key (practice_id, patient_id) references patient (practice_id, id),
    foreign key (practice_id, person_id) references membership (practice_id, id)
);
call wall('patient_access', 'rows', 'select, insert, delete');
