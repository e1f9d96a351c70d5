-- The walls: what every table of a practice has, made in one place, so that the form can change in
-- one place. Run by vouchsafe_owner; the program runs as vouchsafe_run, which owns nothing.

revoke all on schema public from public;
grant usage on schema public to vouchsafe_run;

-- Which events a transaction owes. One row for each event id that the changed rows of a transaction
-- carry (the nil id where rows carry none, or were removed). Its deferred trigger fires once per row,
-- so once per transaction in the usual case, however many rows were changed. Unlogged: a row has no
-- meaning after its own transaction.
create unlogged table audit_touch (
    xid xid8 not null,
    practice_id uuid not null,
    event_id uuid not null,
    primary key (xid, practice_id, event_id)
);

create function audit_touch_rows() returns trigger
    language plpgsql security definer set search_path = pg_catalog, public
as $$
begin
    insert into public.audit_touch (xid, practice_id, event_id)
    select distinct pg_current_xact_id(), practice_id, event_id from changed
    on conflict do nothing;
    return null;
end
$$;

create function audit_touch_any() returns trigger
    language plpgsql security definer set search_path = pg_catalog, public
as $$
begin
    insert into public.audit_touch (xid, practice_id, event_id)
    select distinct pg_current_xact_id(), practice_id, '00000000-0000-0000-0000-000000000000'::uuid from changed
    on conflict do nothing;
    return null;
end
$$;

-- The log. INSERT and SELECT only, for every role of the product. The leaf bytes that docs/spec/leaf.md
-- describes are rebuilt from these columns; audit_pending keeps their hash until the sequencer has
-- put the leaf into the practice's log.
create table audit_event (
    practice_id uuid not null,
    event_id uuid not null,
    at timestamptz not null,
    actor_kind smallint not null,
    actor_id uuid not null,
    source text not null,
    action text not null,
    record_kind text,
    record_id uuid,
    patient_id uuid,
    field text,
    purpose text,
    details bytea not null,
    changes bytea not null,
    subjects bytea not null,
    primary key (practice_id, event_id),
    check ((record_kind is null) = (record_id is null))
);
create index audit_event_patient on audit_event (practice_id, patient_id, event_id) where patient_id is not null;
create index audit_event_actor on audit_event (practice_id, actor_id, event_id);

create table audit_pending (
    practice_id uuid not null,
    event_id uuid not null,
    xid xid8 not null default pg_current_xact_id(),
    leaf_hash bytea not null check (length(leaf_hash) = 32),
    primary key (practice_id, event_id),
    foreign key (practice_id, event_id) references audit_event (practice_id, event_id)
);
create index audit_pending_xid on audit_pending (xid);

-- A list is one event; whom it showed is here. The opening of each one's commitment is sealed under
-- that patient's key, so that erasing the patient erases the link.
create table audit_subject (
    practice_id uuid not null,
    patient_id uuid not null,
    event_id uuid not null,
    opening bytea not null,
    primary key (practice_id, patient_id, event_id),
    foreign key (practice_id, event_id) references audit_event (practice_id, event_id)
);

-- Refuses a commit that changed a tenant table without an event of the same transaction. Runs with
-- the practice of the change, whatever the transaction looked at last.
create function audit_check() returns trigger
    language plpgsql security definer set search_path = pg_catalog, public
as $$
begin
    perform set_config('app.practice', new.practice_id::text, true);
    if not exists (
        select from public.audit_pending p
        where p.xid = new.xid and p.practice_id = new.practice_id
          and (p.event_id = new.event_id or new.event_id = '00000000-0000-0000-0000-000000000000'::uuid)
    ) then
        raise exception 'a change without its event' using errcode = 'VS001';
    end if;
    delete from public.audit_touch t
    where t.xid = new.xid and t.practice_id = new.practice_id and t.event_id = new.event_id;
    return null;
end
$$;

create constraint trigger audit_check after insert on audit_touch
    deferrable initially deferred for each row execute function audit_check();

-- A wall round one table. `watch` says what the audit constraint asks of it:
--   rows  each written row carries the id of an event of its own transaction (removals: any event)
--   any   some event of the practice in the same transaction
--   none  no event: bookkeeping that says nothing about anybody, or the log itself
create procedure wall(target regclass, watch text, granted text)
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
        ' with check (practice_id = (select current_setting(''app.practice'')::uuid))', target);
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
revoke all on procedure wall(regclass, text, text) from public;
revoke all on function audit_touch_rows(), audit_touch_any(), audit_check() from public;

call wall('audit_event', 'none', 'select, insert');
call wall('audit_pending', 'none', 'select, insert');
call wall('audit_subject', 'none', 'select, insert');

-- What makes a change happen once. The answer holds ids and paths of our own, never a value.
create table idempotency (
    practice_id uuid not null,
    actor_id uuid not null,
    key uuid not null,
    fingerprint bytea not null,
    event_id uuid not null,
    outcome text not null,
    at timestamptz not null,
    primary key (practice_id, actor_id, key)
);
call wall('idempotency', 'none', 'select, insert');

-- Blind search tokens: keyed, truncated HMACs (docs/spec/envelope.md). Epoch: which token key made it.
create table search_token (
    practice_id uuid not null,
    token bytea not null,
    subject_id uuid not null,
    epoch integer not null,
    primary key (practice_id, token, subject_id)
);
create index search_token_subject on search_token (practice_id, subject_id);
call wall('search_token', 'any', 'select, insert, delete');

-- Mail on its way out, sealed. Written in the transaction that wants it sent.
create table outbox (
    practice_id uuid not null,
    id uuid not null,
    row_version bigint not null,
    seal_version integer not null,
    event_id uuid not null,
    state text not null check (state in ('waiting', 'sent', 'failed')),
    attempts integer not null,
    due_at timestamptz not null,
    message bytea not null,
    primary key (practice_id, id)
);
create index outbox_due on outbox (due_at) where state = 'waiting';
call wall('outbox', 'rows', 'select, insert, update');
