//! Exchange: records that come from elsewhere. `fhir` reads and maps, and knows no database; `import`
//! walks the files; `writes` puts batches through the doors, like anything else.

pub mod fhir;
pub mod import;
mod rows;
mod writes;

pub use import::{ImportError, ImportSettings, Progress, import_folder};
