//! Keeping a mapping.

use kernel::{MappingId, PracticeId};
use seal::TokenKind;
use store::{Event, Job, Store, StoreError, Tx, Versioned, sql};

use super::{LABEL, columns_of_mapping};
use crate::exchange::anew;
use crate::exchange::csv::Mapping;
use crate::exchange::rows::{KnownMapping, MappingPatch, MappingRow};
use crate::patients::actions::ImportPatients;

/// Keeps a mapping in place of the one before of the same columns.
pub(in crate::exchange) async fn keep_mapping(
    store: &Store,
    practice: PracticeId,
    mapping: &Mapping,
) -> Result<(), StoreError> {
    let Some(columns) = columns_of_mapping(mapping) else { return Ok(()) };
    let actor = store.machine(Job::Import, practice).await?;
    let mut tx: Tx<ImportPatients> = anew(store, &actor).await?;
    tx.alone_importing().await?;
    let digest = tx.blind(LABEL, TokenKind::Identifier, &columns).await?.bytes().to_vec();
    let known: Vec<MappingRow> =
        tx.rows(sql!("select * from import_mapping where practice_id = $1 and digest = $2"), &[&digest]).await?;
    let used_at = tx.at();
    let id = if let Some(row) = known.first() {
        let patch = MappingPatch { used_at: Some(used_at), mapping: Some(mapping.clone()), ..MappingPatch::default() };
        tx.amend(row, Versioned(row.row_version), patch).await?;
        row.id
    } else {
        let id = MappingId::new(used_at, store.entropy());
        tx.insert::<MappingRow>(KnownMapping { id, row_version: 1, digest, used_at, mapping: mapping.clone() }).await?;
        id
    };
    tx.commit(Event::new().about("mapping", id.uuid()), serde_json::Value::Null).await.map(|_| ())
}
