-- Work that takes longer than a request. A row says that something is to be done about a row of another
-- table, and who is at it: ids, times and states, nothing about anybody, so no event is asked of it. What
-- the work itself changes is watched where it stands.
create table work (
    practice_id uuid not null,
    id uuid not null,
    kind text not null check (kind in ('import', 'export', 'bulk')),
    about uuid not null,
    state text not null check (state in ('waiting', 'running', 'paused', 'finished', 'failed', 'cancelled')),
    wish text check (wish in ('pause', 'cancel')),
    due_at timestamptz not null,
    attempts integer not null,
    claim uuid,
    lease_until timestamptz,
    fault text,
    created_at timestamptz not null,
    ended_at timestamptz,
    primary key (practice_id, id),
    check ((state = 'running') = (claim is not null)),
    check ((claim is null) = (lease_until is null)),
    check ((state in ('finished', 'failed', 'cancelled')) = (ended_at is not null))
);
-- What is to be done about a row is to be done once, until it has ended.
create unique index work_open on work (practice_id, kind, about) where ended_at is null;
call wall('work', 'none', 'select, insert, update, delete');

-- Exports: who asked for what, who agreed, how far it is. The records themselves stand in the parts, encrypted
-- to the recipient's key: this installation cannot open them. `patient_id` points to nothing on purpose: an
-- export of a patient is nothing that was built on the import which brought them.
create table export (
    practice_id uuid not null,
    id uuid not null,
    row_version bigint not null,
    seal_version integer not null,
    event_id uuid not null,
    scope text not null check (scope in ('practice', 'patient')),
    patient_id uuid check ((scope = 'patient') = (patient_id is not null)),
    state text not null check (state in ('asked', 'making', 'ready', 'refused', 'withdrawn', 'expired', 'failed')),
    purpose text not null,
    recipient text not null,
    asked_by uuid not null,
    asked_at timestamptz not null,
    alone_at timestamptz,
    settled_by uuid,
    settled_at timestamptz,
    ready_at timestamptz,
    ends_at timestamptz not null,
    steps text not null,
    step integer not null,
    cut integer not null,
    last_id uuid,
    page integer not null,
    done bigint not null,
    whole bigint not null,
    damaged bigint not null,
    bytes bigint not null,
    primary key (practice_id, id)
);
create index export_asked on export (practice_id, asked_at desc);
call wall('export', 'rows', 'select, insert, update');

-- The parts of an archive, in their order; the first three (0 to 2) are made last.
create table export_part (
    practice_id uuid not null,
    export_id uuid not null,
    number integer not null,
    part text not null,
    holds bigint not null,
    plain_bytes bigint not null,
    plain_hash bytea not null check (length(plain_hash) = 32),
    sealed_hash bytea not null check (length(sealed_hash) = 32),
    content bytea not null,
    primary key (practice_id, export_id, number),
    foreign key (practice_id, export_id) references export (practice_id, id)
);
-- It is as good as random: to compress it costs time and gains nothing, and a piece of it can be read alone.
alter table export_part alter column content set storage external;
call wall('export_part', 'any', 'select, insert, delete');

-- An import brings warnings in too, also for patients who are here already. What takes an import back lets
-- those go that the run itself remembers as its own.
create or replace function import_take_back(practice uuid, kind text, run uuid, ids uuid[]) returns bigint
    language plpgsql security definer set search_path = pg_catalog, public
as $$
declare
    taken bigint;
begin
    if not exists (
        select from public.import_run r where r.practice_id = practice and r.id = run and r.state = 'undoing'
    ) then
        return 0;
    end if;
    if kind = 'patient' then
        delete from public.patient p
        where p.practice_id = practice and p.id = any (ids) and p.row_version = 1
          and exists (
            select from public.import_key k
            where k.practice_id = practice and k.target_id = p.id and k.target_kind = 'patient'
              and k.run_id = run and k.outcome = 'add');
    elsif kind = 'patient_identifier' then
        delete from public.patient_identifier i
        where i.practice_id = practice and i.id = any (ids) and i.row_version = 1
          and exists (
            select from public.import_key k
            where k.practice_id = practice and k.target_id = i.patient_id and k.target_kind = 'patient'
              and k.run_id = run and k.outcome = 'add');
    elsif kind = 'patient_access' then
        delete from public.patient_access a
        where a.practice_id = practice and a.id = any (ids) and a.row_version = 1
          and exists (
            select from public.import_key k
            where k.practice_id = practice and k.target_id = a.patient_id and k.target_kind = 'patient'
              and k.run_id = run and k.outcome = 'add');
    elsif kind = 'patient_alert' then
        delete from public.patient_alert a
        where a.practice_id = practice and a.id = any (ids) and a.row_version = 1
          and exists (
            select from public.import_key k
            where k.practice_id = practice and k.run_id = run and k.outcome = 'add'
              and ((k.target_id = a.patient_id and k.target_kind = 'patient')
                or (k.target_id = a.id and k.target_kind = 'alert')));
    elsif kind = 'record_entry' then
        delete from public.record_entry e
        where e.practice_id = practice and e.id = any (ids) and e.row_version = 1
          and exists (
            select from public.import_key k
            where k.practice_id = practice and k.target_id = e.id and k.target_kind = 'entry'
              and k.run_id = run and k.outcome in ('add', 'keep'));
    elsif kind = 'import_key' then
        delete from public.import_key k
        where k.practice_id = practice and k.run_id = run and k.target_id = any (ids)
          and (k.outcome in ('add', 'keep') or k.target_kind = 'patient-matched');
    else
        raise exception 'an import adds no %', kind;
    end if;
    get diagnostics taken = row_count;
    return taken;
end
$$;

-- Who may open a restricted record came with the import itself: that they stand there is nothing built on it
-- (whoever takes an import back looks at whether they are still the ones that came).
create or replace function import_built_on(practice uuid, run uuid) returns setof uuid
    language plpgsql stable set search_path = pg_catalog, public
as $$
declare
    pointing record;
begin
    for pointing in
        select c.conrelid::regclass as child, a.attname as field
        from pg_constraint c
        join pg_attribute a on a.attrelid = c.conrelid and a.attnum = c.conkey[2]
        where c.contype = 'f' and c.confrelid = 'public.patient'::regclass
          and c.conrelid not in (
            'public.patient_identifier'::regclass, 'public.patient_alert'::regclass,
            'public.patient_access'::regclass, 'public.record_entry'::regclass)
    loop
        return query execute format(
            'select distinct k.target_id from import_key k join %s t on t.practice_id = k.practice_id'
            ' and t.%I = k.target_id where k.practice_id = $1 and k.run_id = $2 and k.target_kind = ''patient'''
            ' and k.outcome = ''add''', pointing.child, pointing.field) using practice, run;
    end loop;
end
$$;
