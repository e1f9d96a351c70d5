-- A practice may let its people in by passkeys alone: 'passkey'. 'any': by all that this house takes, of which a second
-- factor is always part.
alter table practice
    add column factors text not null default 'any' check (factors in ('any', 'passkey'));
