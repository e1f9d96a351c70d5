-- The keyring: a cluster of its own, with backups of its own and short retention. Everything in it is
-- wrapped: key-encryption keys by the key service, data keys by a key-encryption key.

revoke all on schema public from public;
grant usage on schema public to vouchsafe_run;

-- A practice's key-encryption keys. The key service holds what opens them.
create table kek (
    practice_id uuid not null,
    version integer not null,
    wrapped bytea not null,
    state text not null check (state in ('next', 'current', 'retiring')),
    created_at timestamptz not null,
    primary key (practice_id, version)
);
create unique index kek_current on kek (practice_id) where state = 'current';

-- A data key has the id of what it covers: a patient, a person, or the practice itself. Removing the
-- row is what erases.
create table data_key (
    practice_id uuid not null,
    id uuid not null,
    kek_version integer not null,
    wrapped bytea not null,
    primary key (practice_id, id),
    foreign key (practice_id, kek_version) references kek (practice_id, version)
);
create index data_key_version on data_key (practice_id, kek_version, id);

create procedure wall(target regclass, granted text)
    language plpgsql set search_path = pg_catalog, public
as $$
begin
    execute format('alter table %s enable row level security', target);
    execute format('alter table %s force row level security', target);
    execute format(
        'create policy practice on %s using (practice_id = (select current_setting(''app.practice'')::uuid))'
        ' with check (practice_id = (select current_setting(''app.practice'')::uuid))', target);
    execute format('grant %s on %s to vouchsafe_run', granted, target);
end
$$;
revoke all on procedure wall(regclass, text) from public;

call wall('kek', 'select, insert, update, delete');
call wall('data_key', 'select, insert, update, delete');
