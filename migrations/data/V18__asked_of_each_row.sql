-- Whose a written row is, is asked of each row and no longer once for each statement: so one statement can write rows of
-- several practices, each with its practice set, and is still refused at the first row that belongs to another one
-- (docs/decisions/0004-a-written-row-is-asked-whose-it-is.md). What is read stays asked once.
do $$
declare
    target regclass;
begin
    for target in select polrelid::regclass from pg_policy where polname = 'practice' loop
        execute format('alter policy practice on %s with check (practice_id = current_setting(''app.practice'')::uuid)', target);
    end loop;
end
$$;

-- A wall round one table. `watch` says what the audit constraint asks of it:
--   rows  each written row carries the id of an event of its own transaction (removals: any event)
--   any   some event of the practice in the same transaction
--   none  no event: bookkeeping that says nothing about anybody, or the log itself
create or replace procedure wall(target regclass, watch text, granted text)
    language plpgsql set search_path = pg_catalog, public
as $$
declare
    act text;
    touch text;
begin
    if watch not in ('rows', 'any', 'none') then
        raise exception 'watch is rows, any or none';
    end if;
    execute format('alter table %s enable row level security', target);
    execute format('alter table %s force row level security', target);
    execute format(
        'create policy practice on %s using (practice_id = (select current_setting(''app.practice'')::uuid))'
        ' with check (practice_id = current_setting(''app.practice'')::uuid)', target);
    if watch <> 'none' then
        foreach act in array array['insert', 'update', 'delete'] loop
            touch := case when watch = 'rows' and act <> 'delete' then 'audit_touch_rows' else 'audit_touch_any' end;
            execute format(
                'create trigger audit_%s after %s on %s referencing %s table as changed'
                ' for each statement execute function %s()',
                act, act, target, case when act = 'delete' then 'old' else 'new' end, touch);
        end loop;
    end if;
    execute format('grant %s on %s to vouchsafe_run', granted, target);
end
$$;
-- The events of a group are a statement again.
drop function audit_write;
