//! The cellar: where the root keys are kept. Backup, restore and the doctor will live here too.

mod root_keys;

pub use root_keys::{RootKeyError, RootKeyFile};
