-- The events of a group belong to many practices, and each is written with its practice set: the walls stand at every
-- row as they do otherwise. What was three statements sent for each practice is one for all.
create function audit_write(
    practices uuid[], events uuid[], ats timestamptz[], actor_kinds smallint[], actors uuid[], sources text[],
    actions text[], record_kinds text[], records uuid[], patients uuid[], fields text[], purposes text[],
    details bytea[], changes bytea[], subjects bytea[], leaf_hashes bytea[],
    -- The patients whom each event is about besides: those of event n end at place subject_ends[n].
    subject_ends integer[], subject_patients uuid[], subject_openings bytea[]
) returns void
    language plpgsql set search_path = pg_catalog, public
as $$
declare
    set_to text;
    subject integer := 0;
begin
    for n in 1 .. cardinality(events) loop
        set_to := set_config('app.practice', practices[n]::text, true);
        insert into public.audit_event (practice_id, event_id, at, actor_kind, actor_id, source, action, record_kind,
            record_id, patient_id, field, purpose, details, changes, subjects)
        values (practices[n], events[n], ats[n], actor_kinds[n], actors[n], sources[n], actions[n], record_kinds[n],
            records[n], patients[n], fields[n], purposes[n], details[n], changes[n], subjects[n]);
        insert into public.audit_pending (practice_id, event_id, leaf_hash)
        values (practices[n], events[n], leaf_hashes[n]);
        if subject < subject_ends[n] then
            insert into public.audit_subject (practice_id, patient_id, event_id, opening)
            select practices[n], s.patient_id, events[n], s.opening
            from unnest(
                subject_patients[subject + 1:subject_ends[n]], subject_openings[subject + 1:subject_ends[n]]
            ) as s (patient_id, opening);
            subject := subject_ends[n];
        end if;
    end loop;
end
$$;
revoke all on function audit_write from public;
grant execute on function audit_write to vouchsafe_run;
