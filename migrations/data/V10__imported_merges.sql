-- An import can say of records which it adds that they are one; it makes them one itself. What takes an import back
-- lets such merges go with the records: a record that was merged away has been written twice then, once when it
-- came and once when it went into the other.
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
        where p.practice_id = practice and p.id = any (ids)
          and p.row_version = case when p.merged_into is null then 1 else 2 end
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
    elsif kind = 'patient_merge' then
        delete from public.patient_merge g
        where g.practice_id = practice and g.id = any (ids) and g.row_version = 1
          and exists (
            select from public.import_key k
            where k.practice_id = practice and k.target_id = g.id and k.target_kind = 'merge'
              and k.run_id = run and k.outcome = 'add');
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
            'public.patient_access'::regclass, 'public.record_entry'::regclass,
            'public.patient'::regclass, 'public.patient_merge'::regclass)
    loop
        return query execute format(
            'select distinct k.target_id from import_key k join %s t on t.practice_id = k.practice_id'
            ' and t.%I = k.target_id where k.practice_id = $1 and k.run_id = $2 and k.target_kind = ''patient'''
            ' and k.outcome = ''add''', pointing.child, pointing.field) using practice, run;
    end loop;
    -- A merge that the run itself made is nothing built on it; any other is, undone ones too.
    return query select distinct k.target_id from import_key k join patient_merge g
        on g.practice_id = k.practice_id and k.target_id in (g.patient_id, g.into_id)
        where k.practice_id = practice and k.run_id = run and k.target_kind = 'patient' and k.outcome = 'add'
          and not exists (
            select from import_key m
            where m.practice_id = practice and m.run_id = run and m.target_kind = 'merge' and m.target_id = g.id);
    return query select distinct k.target_id from import_key k join patient p
        on p.practice_id = k.practice_id and p.merged_into = k.target_id
        where k.practice_id = practice and k.run_id = run and k.target_kind = 'patient' and k.outcome = 'add'
          and not exists (
            select from import_key m join patient_merge g
            on g.practice_id = m.practice_id and g.id = m.target_id
            where m.practice_id = practice and m.run_id = run and m.target_kind = 'merge' and g.patient_id = p.id);
end
$$;
