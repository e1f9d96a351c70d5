-- Whether a change has its event is asked once for each event of a transaction. With an index on the
-- transaction alone PostgreSQL came to look through all events of the practice that are not in its log yet
-- (the row's wall names the practice too): the more there were, the slower every change became. Each of the two
-- questions has an index of its own now that answers it whole.
create index audit_pending_here on audit_pending (xid, practice_id);
drop index audit_pending_xid;

-- Likewise: whoever looks for one event by its id could be led through all of the practice's by the index for those of
-- one person. Nobody who does not name a person is drawn to it now.
create index audit_event_by on audit_event (actor_id, practice_id, event_id);
drop index audit_event_actor;

create or replace function audit_check() returns trigger
    language plpgsql security definer set search_path = pg_catalog, public
as $$
declare
    found_one boolean;
    scope text;
begin
    scope := set_config('app.practice', new.practice_id::text, true);
    if new.event_id = '00000000-0000-0000-0000-000000000000'::uuid then
        found_one := exists (
            select from public.audit_pending p where p.xid = new.xid and p.practice_id = new.practice_id
        );
    else
        -- Its xid is compared in the select list, so that no other index is thought of than the one that says
        -- which event it is.
        found_one := (
            select p.xid = new.xid from public.audit_pending p
            where p.practice_id = new.practice_id and p.event_id = new.event_id
        );
    end if;
    if found_one is not true then
        raise exception 'a change without its event' using errcode = 'VS001';
    end if;
    delete from public.audit_touch t
    where t.xid = new.xid and t.practice_id = new.practice_id and t.event_id = new.event_id;
    return null;
end
$$;
