-- A change mostly comes behind its event now: then nothing is owed, and no note of it has to be made, asked about at the
-- end and removed. An event cannot be taken back, and whatever undoes it (a savepoint) undoes all that came after it.
-- Events are seen of the practice that the transaction points at; where it points nowhere, a note is made.
create or replace function audit_touch_rows() returns trigger
    language plpgsql security definer set search_path = pg_catalog, public
as $$
begin
    if coalesce(current_setting('app.practice', true), '') = '' then
        insert into public.audit_touch (xid, practice_id, event_id)
        select distinct pg_current_xact_id(), practice_id, event_id from changed
        on conflict do nothing;
        return null;
    end if;
    insert into public.audit_touch (xid, practice_id, event_id)
    select pg_current_xact_id(), c.practice_id, c.event_id
    from (select distinct practice_id, event_id from changed) c
    where (
        -- Compared in the select list, as in audit_check().
        select p.xid = pg_current_xact_id() from public.audit_pending p
        where p.practice_id = c.practice_id and p.event_id = c.event_id
    ) is not true
    on conflict do nothing;
    return null;
end
$$;

create or replace function audit_touch_any() returns trigger
    language plpgsql security definer set search_path = pg_catalog, public
as $$
begin
    if coalesce(current_setting('app.practice', true), '') = '' then
        insert into public.audit_touch (xid, practice_id, event_id)
        select distinct pg_current_xact_id(), practice_id, '00000000-0000-0000-0000-000000000000'::uuid from changed
        on conflict do nothing;
        return null;
    end if;
    insert into public.audit_touch (xid, practice_id, event_id)
    select pg_current_xact_id(), c.practice_id, '00000000-0000-0000-0000-000000000000'::uuid
    from (select distinct practice_id from changed) c
    where not exists (
        select from public.audit_pending p where p.xid = pg_current_xact_id() and p.practice_id = c.practice_id
    ) and not exists (
        -- A note for the practice answers for this one too.
        select from public.audit_touch t where t.xid = pg_current_xact_id() and t.practice_id = c.practice_id
    )
    on conflict do nothing;
    return null;
end
$$;

-- Sealed values do not get smaller by compressing, and an event with all that a new patient says is somewhat larger than
-- what PostgreSQL likes to keep in a row: it tried to compress it and then cut it in pieces, each a row of another table
-- with an index of its own. A row of up to a page stays whole.
alter table audit_event set (toast_tuple_target = 8160);
