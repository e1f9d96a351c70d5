//! The cellar: where the root keys and the installation's signing key are kept. Backup, restore and the doctor will live here too.

mod root_keys;
mod signing_key;

pub use root_keys::{RootKeyError, RootKeyFile};
pub use signing_key::SigningKeyFile;
