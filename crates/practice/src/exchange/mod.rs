//! Exchange: records that come from elsewhere. `fhir`, `csv` and `vcard` read and map, and know no
//! database; `import` walks the files; `writes` puts batches through the doors, like anything else;
//! `mappings` keeps how tables were read; `merged` makes one what files say is one; `runs` lists imports and takes
//! one back. `export` makes archives of records, in the form that `archive` has. `uploads` are files that somebody
//! sends from a page, and the job that brings them in.

pub mod actions;
pub mod api;
pub mod archive;
mod between;
pub mod csv;
pub mod export;
pub mod fhir;
mod gathered;
pub mod import;
mod mappings;
mod merged;
mod rows;
pub mod runs;
pub mod uploads;
pub mod vcard;
mod writes;

use jiff::{SignedDuration, Timestamp};
use kernel::IdempotencyKey;
use store::{Actor, Once, Resource, Store, StoreError, Tx, Writes};

pub use import::{ImportError, ImportSettings, Progress, import_csv, import_folder, import_vcard, look_at_csv};
pub use mappings::known_mapping;

/// A transaction of a change that nobody sends a second time: of a job, or one of many of a request.
async fn anew<A: Writes>(store: &Store, actor: &Actor) -> Result<Tx<A>, StoreError> {
    let key = IdempotencyKey::new(store.clock().now(), store.entropy());
    match store.enter(actor).await?.ask_once::<A>(Resource::Practice, key, &()).await? {
        Once::Fresh(tx) => Ok(tx),
        Once::Done(_) => Err(StoreError::KeyReused),
    }
}

/// So long after a moment.
fn after(at: Timestamp, time: SignedDuration) -> Timestamp {
    at.saturating_add(time).unwrap_or(Timestamp::MAX)
}

/// The text behind the token by which an imported resource is known again: its source and its name there.
fn source_text(source: &str, key: &fhir::ResourceKey) -> String {
    format!("{source}|{}", key.hex())
}
