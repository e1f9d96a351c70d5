-- As in the data (V18 there): whose a written row is, is asked of each row. The walls of both have one form.
do $$
declare
    target regclass;
begin
    for target in select polrelid::regclass from pg_policy where polname = 'practice' loop
        execute format('alter policy practice on %s with check (practice_id = current_setting(''app.practice'')::uuid)', target);
    end loop;
end
$$;

create or replace procedure wall(target regclass, granted text)
    language plpgsql set search_path = pg_catalog, public
as $$
begin
    execute format('alter table %s enable row level security', target);
    execute format('alter table %s force row level security', target);
    execute format(
        'create policy practice on %s using (practice_id = (select current_setting(''app.practice'')::uuid))'
        ' with check (practice_id = current_setting(''app.practice'')::uuid)', target);
    execute format('grant %s on %s to vouchsafe_run', granted, target);
end
$$;
