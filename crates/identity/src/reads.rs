//! Every statement with which this room reads. `$1` is the practice that the transaction points at:
//! the house for persons and what is theirs, a practice for its team.

use jiff::Timestamp;
use kernel::{InvitationId, PersonId, PracticeId, SessionId};
use store::{Action, Sql, StoreError, Tx, sql};
use uuid::Uuid;

use crate::rows::{
    CodeRow, DoorRow, FactorResetRow, HalfRow, InvitationRow, ListingRow, MembershipRow, PasskeyRow, PersonRow,
    PracticeRow, ResetRow, SeenSessionRow, SessionRow,
};

type Found<T> = Result<Option<T>, StoreError>;
type All<T> = Result<Vec<T>, StoreError>;

fn first<T>(rows: Vec<T>) -> Option<T> {
    rows.into_iter().next()
}

pub(crate) async fn listing_by_slug<A: Action>(tx: &Tx<A>, slug: &str) -> Found<ListingRow> {
    let sql = sql!("select * from practice_listing where practice_id = $1 and slug = $2");
    tx.rows(sql, &[&slug]).await.map(first)
}

pub(crate) async fn listings<A: Action>(tx: &Tx<A>) -> All<ListingRow> {
    tx.rows(sql!("select * from practice_listing where practice_id = $1 order by slug"), &[]).await
}

pub(crate) async fn is_listed<A: Action>(tx: &Tx<A>, practice: PracticeId) -> Result<bool, StoreError> {
    let sql = sql!("select id from practice_listing where practice_id = $1 and id = $2 and state = 'active'");
    Ok(!tx.ids(sql, &[&practice.uuid()]).await?.is_empty())
}

pub(crate) const PRACTICE: Sql = sql!("select * from practice where practice_id = $1 and id = $1");

pub(crate) async fn practice<A: Action>(tx: &Tx<A>) -> Found<PracticeRow> {
    tx.rows(PRACTICE, &[]).await.map(first)
}

/// The practice's row, held until the end: changes of one team happen one after the other.
pub(crate) async fn lock_team<A: Action>(tx: &Tx<A>) -> Result<(), StoreError> {
    tx.ids(sql!("select id from practice where practice_id = $1 and id = $1 for no key update"), &[]).await.map(drop)
}

pub(crate) async fn person_by_email<A: Action>(tx: &Tx<A>, token: &[u8]) -> Found<PersonRow> {
    tx.rows(sql!("select * from person where practice_id = $1 and email_token = $2"), &[&token]).await.map(first)
}

/// A person's row, held until the end: what changes a person's secrets and sessions happens one after
/// the other. Always taken before any other row of the person.
pub(crate) async fn lock_person<A: Action>(tx: &Tx<A>, person: PersonId) -> Result<PersonRow, StoreError> {
    let sql = sql!("select * from person where practice_id = $1 and id = $2 for no key update");
    tx.row(sql, &[&person.uuid()]).await
}

pub(crate) const PERSON: Sql = sql!("select * from person where practice_id = $1 and id = $2");

pub(crate) async fn person<A: Action>(tx: &Tx<A>, person: PersonId) -> Result<PersonRow, StoreError> {
    tx.row(PERSON, &[&person.uuid()]).await
}

pub(crate) const DOORS: Sql = sql!(
    "select d.opens from door d
     join practice_listing l on l.practice_id = d.practice_id and l.id = d.opens
     where d.practice_id = $1 and d.person_id = $2 and l.state = 'active'
       and not exists (
           select from factor_reset r
           where r.practice_id = d.practice_id and r.person_id = d.person_id and r.begun_in <> d.opens
             and r.created_at >= d.created_at and (r.ended_at is null or r.used_at is not null)
             and not exists (
                 select from factor_reset_agreed a
                 where a.practice_id = r.practice_id and a.reset_id = r.id and a.agreed_in = d.opens))
     order by d.created_at, d.id limit $3"
);

/// The practices that a person can enter, oldest first: no reset of their second factor shuts the door.
pub(crate) async fn doors<A: Action>(tx: &Tx<A>, person: PersonId, limit: i64) -> All<PracticeId> {
    let ids = tx.ids(DOORS, &[&person.uuid(), &limit]).await?;
    Ok(ids.into_iter().map(PracticeId::from_uuid).collect())
}

/// The practices that a person has a door to, held or not.
pub(crate) async fn doors_open_and_held<A: Action>(tx: &Tx<A>, person: PersonId, limit: i64) -> All<PracticeId> {
    let sql = sql!(
        "select d.opens from door d
         join practice_listing l on l.practice_id = d.practice_id and l.id = d.opens
         where d.practice_id = $1 and d.person_id = $2 and l.state = 'active'
         order by d.created_at, d.id limit $3"
    );
    let ids = tx.ids(sql, &[&person.uuid(), &limit]).await?;
    Ok(ids.into_iter().map(PracticeId::from_uuid).collect())
}

/// Whom a practice does not let in, and the resets that it has not agreed to.
pub(crate) async fn held<A: Action>(tx: &Tx<A>, practice: PracticeId) -> All<(PersonId, Uuid)> {
    let sql = sql!(
        "select d.person_id, r.id from door d
         join factor_reset r on r.practice_id = d.practice_id and r.person_id = d.person_id
         where d.practice_id = $1 and d.opens = $2 and r.begun_in <> d.opens
           and r.created_at >= d.created_at and (r.ended_at is null or r.used_at is not null)
           and not exists (
               select from factor_reset_agreed a
               where a.practice_id = r.practice_id and a.reset_id = r.id and a.agreed_in = d.opens)
         limit 2000"
    );
    let pairs = tx.pairs(sql, &[&practice.uuid()]).await?;
    Ok(pairs.into_iter().map(|(person, reset)| (PersonId::from_uuid(person), reset)).collect())
}

/// Whether a person's second factor was reset since a moment, begun in another practice than this.
pub(crate) async fn reset_elsewhere_since<A: Action>(
    tx: &Tx<A>,
    person: PersonId,
    practice: PracticeId,
    since: Timestamp,
) -> Result<bool, StoreError> {
    let sql = sql!(
        "select count(*) from factor_reset
         where practice_id = $1 and person_id = $2 and begun_in <> $3 and used_at >= $4"
    );
    Ok(tx.count(sql, &[&person.uuid(), &practice.uuid(), &since]).await? > 0)
}

pub(crate) async fn factor_reset<A: Action>(tx: &Tx<A>, token_hash: &[u8]) -> Found<FactorResetRow> {
    let sql = sql!("select * from factor_reset where practice_id = $1 and token_hash = $2");
    tx.rows(sql, &[&token_hash]).await.map(first)
}

/// The resets of a person's second factor that have not ended, also those whose links are too old.
pub(crate) async fn unused_factor_resets<A: Action>(tx: &Tx<A>, person: PersonId) -> All<FactorResetRow> {
    let sql = sql!("select * from factor_reset where practice_id = $1 and person_id = $2 and ended_at is null");
    tx.rows(sql, &[&person.uuid()]).await
}

pub(crate) async fn door<A: Action>(tx: &Tx<A>, person: PersonId, opens: PracticeId) -> Found<DoorRow> {
    let sql = sql!("select * from door where practice_id = $1 and person_id = $2 and opens = $3");
    tx.rows(sql, &[&person.uuid(), &opens.uuid()]).await.map(first)
}

/// The practice that a person was in last.
pub(crate) async fn last_entered<A: Action>(tx: &Tx<A>, person: PersonId) -> Found<PracticeId> {
    let sql = sql!(
        "select entered from session where practice_id = $1 and person_id = $2 and entered is not null
         order by created_at desc, id desc limit 1"
    );
    Ok(first(tx.ids(sql, &[&person.uuid()]).await?).map(PracticeId::from_uuid))
}

pub(crate) async fn half<A: Action>(tx: &Tx<A>, token_hash: &[u8]) -> Found<HalfRow> {
    let sql = sql!("select * from half_sign_in where practice_id = $1 and token_hash = $2 and session_id is null");
    tx.rows(sql, &[&token_hash]).await.map(first)
}

pub(crate) async fn half_by_id<A: Action>(tx: &Tx<A>, id: Uuid) -> Found<HalfRow> {
    tx.rows(sql!("select * from half_sign_in where practice_id = $1 and id = $2"), &[&id]).await.map(first)
}

/// The second factor that a session has been shown and has not confirmed.
pub(crate) async fn offered_totp<A: Action>(tx: &Tx<A>, session: SessionId, at: Timestamp) -> Found<HalfRow> {
    let sql = sql!(
        "select * from half_sign_in
         where practice_id = $1 and session_id = $2 and spent_at is null and expires_at > $3
         order by created_at desc, id desc limit 1"
    );
    tx.rows(sql, &[&session.uuid(), &at]).await.map(first)
}

pub(crate) async fn open_halves<A: Action>(tx: &Tx<A>, person: PersonId, at: Timestamp) -> All<HalfRow> {
    let sql = sql!(
        "select * from half_sign_in
         where practice_id = $1 and person_id = $2 and spent_at is null and expires_at > $3"
    );
    tx.rows(sql, &[&person.uuid(), &at]).await
}

pub(crate) async fn session<A: Action>(tx: &Tx<A>, id: SessionId) -> Found<SessionRow> {
    let sql = sql!("select * from session where practice_id = $1 and id = $2 and ended_at is null");
    tx.rows(sql, &[&id.uuid()]).await.map(first)
}

pub(crate) async fn open_sessions<A: Action>(tx: &Tx<A>, person: PersonId) -> All<SessionRow> {
    let sql = sql!("select * from session where practice_id = $1 and person_id = $2 and ended_at is null");
    tx.rows(sql, &[&person.uuid()]).await
}

/// A person's sessions that are still good, the latest used first.
pub(crate) async fn seen_sessions<A: Action>(
    tx: &Tx<A>,
    person: PersonId,
    at: Timestamp,
    idle_since: Timestamp,
) -> All<SeenSessionRow> {
    let sql = sql!(
        "select s.*, seen.seen_at from session s
         join session_seen seen on seen.practice_id = s.practice_id and seen.session_id = s.id
         where s.practice_id = $1 and s.person_id = $2 and s.ended_at is null
           and s.expires_at > $3 and seen.seen_at > $4
         order by seen.seen_at desc, s.id desc limit 100"
    );
    tx.rows(sql, &[&person.uuid(), &at, &idle_since]).await
}

/// The step of the last one-time code taken; 0 if none was.
pub(crate) async fn last_step<A: Action>(tx: &Tx<A>, person: PersonId) -> Result<i64, StoreError> {
    tx.count(sql!("select step from totp_used where practice_id = $1 and person_id = $2"), &[&person.uuid()]).await
}

pub(crate) async fn unused_code<A: Action>(tx: &Tx<A>, person: PersonId, hash: &[u8]) -> Found<CodeRow> {
    let sql = sql!(
        "select * from recovery_code
         where practice_id = $1 and person_id = $2 and code_hash = $3 and used_at is null for update"
    );
    tx.rows(sql, &[&person.uuid(), &hash]).await.map(first)
}

pub(crate) async fn codes<A: Action>(tx: &Tx<A>, person: PersonId) -> All<CodeRow> {
    let sql = sql!("select * from recovery_code where practice_id = $1 and person_id = $2 for update");
    tx.rows(sql, &[&person.uuid()]).await
}

pub(crate) async fn codes_left<A: Action>(tx: &Tx<A>, person: PersonId) -> Result<u32, StoreError> {
    let sql = sql!("select count(*) from recovery_code where practice_id = $1 and person_id = $2 and used_at is null");
    Ok(u32::try_from(tx.count(sql, &[&person.uuid()]).await?).unwrap_or(u32::MAX))
}

pub(crate) async fn passkey_by_hash<A: Action>(tx: &Tx<A>, hash: &[u8]) -> Found<PasskeyRow> {
    tx.rows(sql!("select * from passkey where practice_id = $1 and key_hash = $2"), &[&hash]).await.map(first)
}

/// A person's passkeys, oldest first.
pub(crate) async fn passkeys<A: Action>(tx: &Tx<A>, person: PersonId) -> All<PasskeyRow> {
    let sql = sql!("select * from passkey where practice_id = $1 and person_id = $2 order by created_at, id limit 100");
    tx.rows(sql, &[&person.uuid()]).await
}

/// How many of these people have a passkey.
pub(crate) async fn have_passkeys<A: Action>(tx: &Tx<A>, people: &[Uuid]) -> Result<usize, StoreError> {
    let sql = sql!("select count(distinct person_id) from passkey where practice_id = $1 and person_id = any($2)");
    Ok(usize::try_from(tx.count(sql, &[&people]).await?).unwrap_or(usize::MAX))
}

pub(crate) async fn reset<A: Action>(tx: &Tx<A>, token_hash: &[u8]) -> Found<ResetRow> {
    let sql = sql!("select * from password_reset where practice_id = $1 and token_hash = $2");
    tx.rows(sql, &[&token_hash]).await.map(first)
}

pub(crate) async fn open_resets<A: Action>(tx: &Tx<A>, person: PersonId, at: Timestamp) -> All<ResetRow> {
    let sql = sql!(
        "select * from password_reset
         where practice_id = $1 and person_id = $2 and used_at is null and expires_at > $3"
    );
    tx.rows(sql, &[&person.uuid(), &at]).await
}

pub(crate) async fn membership<A: Action>(tx: &Tx<A>, person: PersonId) -> Found<MembershipRow> {
    let sql = sql!("select * from membership where practice_id = $1 and id = $2");
    tx.rows(sql, &[&person.uuid()]).await.map(first)
}

pub(crate) const MEMBERSHIP: Sql =
    sql!("select * from membership where practice_id = $1 and id = $2 and status = 'active'");

pub(crate) async fn active_membership<A: Action>(tx: &Tx<A>, person: PersonId) -> Found<MembershipRow> {
    tx.rows(MEMBERSHIP, &[&person.uuid()]).await.map(first)
}

pub(crate) async fn team<A: Action>(tx: &Tx<A>) -> All<MembershipRow> {
    let sql =
        sql!("select * from membership where practice_id = $1 and status = 'active' order by joined_at, id limit 2000");
    tx.rows(sql, &[]).await
}

/// How many active owners there are besides one person.
pub(crate) async fn other_owners<A: Action>(tx: &Tx<A>, person: PersonId) -> Result<i64, StoreError> {
    let sql = sql!(
        "select count(*) from membership
         where practice_id = $1 and id <> $2 and status = 'active' and 'owner' = any(string_to_array(roles, ','))"
    );
    tx.count(sql, &[&person.uuid()]).await
}

pub(crate) async fn lock_invitation<A: Action>(tx: &Tx<A>, token_hash: &[u8]) -> Found<InvitationRow> {
    let sql = sql!("select * from invitation where practice_id = $1 and token_hash = $2 for update");
    tx.rows(sql, &[&token_hash]).await.map(first)
}

pub(crate) async fn invitation<A: Action>(tx: &Tx<A>, id: InvitationId) -> Result<InvitationRow, StoreError> {
    tx.row(sql!("select * from invitation where practice_id = $1 and id = $2"), &[&id.uuid()]).await
}

pub(crate) async fn open_invitations<A: Action>(tx: &Tx<A>, at: Timestamp) -> All<InvitationRow> {
    let sql = sql!(
        "select * from invitation
         where practice_id = $1 and status = 'open' and expires_at > $2 order by created_at desc, id desc limit 500"
    );
    tx.rows(sql, &[&at]).await
}

/// The open invitation of an address, also if it is too old to be accepted.
pub(crate) async fn open_invitation_of<A: Action>(tx: &Tx<A>, email_token: &[u8]) -> Found<InvitationRow> {
    let sql = sql!("select * from invitation where practice_id = $1 and email_token = $2 and status = 'open'");
    tx.rows(sql, &[&email_token]).await.map(first)
}

pub(crate) async fn open_invitations_by<A: Action>(tx: &Tx<A>, person: PersonId) -> All<InvitationRow> {
    let sql = sql!("select * from invitation where practice_id = $1 and invited_by = $2 and status = 'open'");
    tx.rows(sql, &[&person.uuid()]).await
}
