-- From what stands in a record back to what it was brought in as, so that its references lead to what came
-- with it.
create index import_key_target on import_key (practice_id, target_id);
