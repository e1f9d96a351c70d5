-- A change of a table of which any event of the practice is enough (search tokens, say) mostly comes with a change of
-- one whose rows name their event. Where the transaction has a note for the practice already, the question that note
-- asks at its end answers this one too: an event of this practice in this transaction. So no second note is made.
create or replace function audit_touch_any() returns trigger
    language plpgsql security definer set search_path = pg_catalog, public
as $$
begin
    insert into public.audit_touch (xid, practice_id, event_id)
    select pg_current_xact_id(), c.practice_id, '00000000-0000-0000-0000-000000000000'::uuid
    from (select distinct practice_id from changed) c
    where not exists (
        select from public.audit_touch t where t.xid = pg_current_xact_id() and t.practice_id = c.practice_id
    )
    on conflict do nothing;
    return null;
end
$$;
