//! Every statement with which connections are read. `$1` is the practice.

use kernel::ClientId;
use store::{Action, StoreError, Tx, sql};

use super::rows::{ClientRow, MakerRow, SeenClientRow};

pub(super) async fn clients<A: Action>(tx: &Tx<A>, limit: i64) -> Result<Vec<SeenClientRow>, StoreError> {
    let sql = sql!(
        "select c.*, seen.seen_at from api_client c
         join api_client_seen seen on seen.practice_id = c.practice_id and seen.client_id = c.id
         where c.practice_id = $1 order by c.id desc limit $2"
    );
    tx.rows(sql, &[&limit]).await
}

/// The members who have made connections, those who left included.
pub(super) async fn makers<A: Action>(tx: &Tx<A>) -> Result<Vec<MakerRow>, StoreError> {
    let sql = sql!(
        "select m.* from membership m where m.practice_id = $1
         and m.id in (select c.created_by from api_client c where c.practice_id = $1) limit 1000"
    );
    tx.rows(sql, &[]).await
}

pub(super) async fn client<A: Action>(tx: &Tx<A>, id: ClientId) -> Result<ClientRow, StoreError> {
    let sql = sql!("select * from api_client where practice_id = $1 and id = $2 and state = 'active'");
    tx.row(sql, &[&id.uuid()]).await
}

/// A connection's row, held until the end: it is not ended while a pass is given, and given none after.
pub(super) async fn lock_client<A: Action>(tx: &Tx<A>, id: ClientId) -> Result<ClientRow, StoreError> {
    tx.row(sql!("select * from api_client where practice_id = $1 and id = $2 for no key update"), &[&id.uuid()]).await
}
