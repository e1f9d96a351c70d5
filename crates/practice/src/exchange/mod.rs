//! Exchange: records that come from elsewhere. `fhir` reads and maps, and knows no database; `import`
//! walks the files; `writes` puts batches through the doors, like anything else.

pub mod api;
pub mod fhir;
pub mod import;
mod rows;
mod writes;

pub use import::{ImportError, ImportSettings, Progress, import_folder};

/// The text behind the token by which an imported resource is known again: its source and its name there.
fn source_text(source: &str, key: &fhir::ResourceKey) -> String {
    format!("{source}|{}", key.hex())
}
