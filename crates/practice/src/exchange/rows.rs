//! The tables of this slice: what was kept of imports, and how far each came.

use jiff::Timestamp;
use kernel::{ImportId, MappingId, ResourceId};

use super::csv::Mapping;

store::sealed_row! {
    /// A resource that belongs to no patient, kept as it came.
    pub row KeptRow opens KeptResource patched by KeptPatch in "kept_resource" id ResourceId, keyed practice {
        clear { resource_type: String }
        sealed { resource: String }
    }
}

store::sealed_row! {
    /// One run of an import.
    pub row RunRow opens Run patched by RunPatch in "import_run" id ImportId, keyed practice {
        clear {
            state: String,
            started_at: Timestamp,
            digest: Vec<u8>,
            added: i64,
            matched: i64,
            skipped: i64,
            rejected: i64,
        }
        sealed { source: String }
    }
}

store::sealed_row! {
    /// What the columns of a table became, kept for the next table with the same columns.
    pub row MappingRow opens KnownMapping patched by MappingPatch in "import_mapping" id MappingId, keyed practice {
        clear { digest: Vec<u8>, used_at: Timestamp }
        sealed { mapping: Mapping }
    }
}
