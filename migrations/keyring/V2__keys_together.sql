-- The keys that a group waits for belong to many practices, and those of each are looked for with its practice set: the
-- walls stand as they do otherwise. What was two statements sent for each practice is one for all.
create function data_keys(practices uuid[], id_ends integer[], ids uuid[])
    -- The ids of practice n end at place id_ends[n].
    returns table (of_practice uuid, key_id uuid, version integer, wrapped_key bytea)
    language plpgsql set search_path = pg_catalog, public
as $$
declare
    set_to text;
    behind integer := 0;
begin
    for n in 1 .. cardinality(practices) loop
        set_to := set_config('app.practice', practices[n]::text, true);
        return query
            select k.practice_id, k.id, k.kek_version, k.wrapped
            from public.data_key k
            where k.practice_id = practices[n] and k.id = any(ids[behind + 1:id_ends[n]]);
        behind := id_ends[n];
    end loop;
end
$$;
revoke all on function data_keys from public;
grant execute on function data_keys to vouchsafe_run;
