//! Finding a mapping again.

use kernel::PracticeId;
use seal::TokenKind;
use store::{Event, Job, Resource, Store, StoreError, Tx, sql};

use super::{LABEL, columns_of_look};
use crate::exchange::actions::ReadImports;
use crate::exchange::csv::{Look, Mapping};
use crate::exchange::rows::MappingRow;

/// The mapping that the practice used last for a table with these columns.
pub async fn known_mapping(store: &Store, practice: PracticeId, look: &Look) -> Result<Option<Mapping>, StoreError> {
    let Some(columns) = columns_of_look(look) else { return Ok(None) };
    let actor = store.machine(Job::Import, practice).await?;
    let tx: Tx<ReadImports> = store.enter(&actor).await?.ask(Resource::Practice).await?;
    let digest = tx.blind(LABEL, TokenKind::Identifier, &columns).await?.bytes().to_vec();
    let found: Vec<MappingRow> =
        tx.rows(sql!("select * from import_mapping where practice_id = $1 and digest = $2"), &[&digest]).await?;
    let Some(row) = found.into_iter().next() else { return Ok(None) };
    let event = Event::new().about("mapping", row.id.uuid());
    let open = tx.record(event, row).await?;
    // One that no longer opens is asked anew.
    Ok(open.ok().map(|known| known.mapping))
}
