-- Imports: the mappings that a practice has used, and taking back what one import added.

-- Which columns of a table became what, kept for the next table with the same columns.
create table import_mapping (
    practice_id uuid not null,
    id uuid not null,
    row_version bigint not null,
    seal_version integer not null,
    event_id uuid not null,
    digest bytea not null,
    used_at timestamptz not null,
    mapping bytea not null,
    primary key (practice_id, id),
    unique (practice_id, digest)
);
call wall('import_mapping', 'rows', 'select, insert, update');

-- An import that is taken back says so before the first row goes, so that one that was cut short is
-- taken up again.
alter table import_run drop constraint import_run_state_check;
alter table import_run add constraint import_run_state_check
    check (state in ('running', 'finished', 'undoing', 'undone'));

create index import_key_target on import_key (practice_id, target_id);

-- Takes rows back that an import added. The running role can remove no patient and nothing of a record;
-- what it can is this: rows that the run added, which nobody has touched since, of a run of which it has
-- been written down that it is taken back. Row-level security holds here too, as it does for the owner.
-- Gives the number of rows that went: whoever asks for fewer than there are has been overtaken.
create function import_take_back(practice uuid, kind text, run uuid, ids uuid[]) returns bigint
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
    elsif kind = 'patient_alert' then
        delete from public.patient_alert a
        where a.practice_id = practice and a.id = any (ids) and a.row_version = 1
          and exists (
            select from public.import_key k
            where k.practice_id = practice and k.target_id = a.patient_id and k.target_kind = 'patient'
              and k.run_id = run and k.outcome = 'add');
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
revoke all on function import_take_back(uuid, text, uuid, uuid[]) from public;
grant execute on function import_take_back(uuid, text, uuid, uuid[]) to vouchsafe_run;

-- The patients of an import about whom any other table of the practice has something by now. Asks the
-- catalogue which tables point to patients, so that one that is added later is not forgotten.
create function import_built_on(practice uuid, run uuid) returns setof uuid
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
            'public.patient_identifier'::regclass, 'public.patient_alert'::regclass, 'public.record_entry'::regclass)
    loop
        return query execute format(
            'select distinct k.target_id from import_key k join %s t on t.practice_id = k.practice_id'
            ' and t.%I = k.target_id where k.practice_id = $1 and k.run_id = $2 and k.target_kind = ''patient'''
            ' and k.outcome = ''add''', pointing.child, pointing.field) using practice, run;
    end loop;
end
$$;
revoke all on function import_built_on(uuid, uuid) from public;
grant execute on function import_built_on(uuid, uuid) to vouchsafe_run;
