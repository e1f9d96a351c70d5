-- The version of a patient, as programs see it, counts the versions of the row and of its numbers, those of
-- records that were merged into it too. A merge that is undone takes numbers away again; so that no version
-- is ever given twice, the record keeps what went, and one more for each merge and each undoing.
alter table patient add column passed bigint not null default 0;
