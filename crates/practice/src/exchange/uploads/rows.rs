//! The tables of this slice.

use jiff::Timestamp;
use kernel::{ImportId, PersonId, UploadId};
use uuid::Uuid;

use super::{SentFile, UploadSettings};
use crate::exchange::fhir::Report;

store::sealed_row! {
    /// What somebody sent, and how far bringing it in is.
    pub row UploadRow opens Upload patched by UploadPatch in "import_upload" id UploadId, keyed practice {
        clear {
            asked_by: PersonId,
            began_at: Timestamp,
            ends_at: Timestamp,
            kind: String,
            state: String,
            phase: Option<Uuid>,
            run_id: Option<ImportId>,
            bytes: i64,
            learning: bool,
            done_bytes: i64,
            all_bytes: i64,
            done_resources: i64,
            problem: Option<String>,
        }
        sealed { files: Vec<SentFile>, settings: UploadSettings }
    }
}

store::sealed_row! {
    /// A stretch of a file.
    pub row PieceRow opens Piece patched by PiecePatch in "import_piece" id Uuid, keyed practice {
        clear { upload_id: UploadId, file: i32, place: i32 }
        sealed { content: String }
        secret [content]
    }
}

store::sealed_row! {
    /// What trying it, or bringing it in, came to.
    pub row ReportRow opens KeptReport patched by ReportPatch in "import_report" id Uuid, keyed practice {
        clear { upload_id: UploadId, dry: bool, written_at: Timestamp }
        sealed { report: Report }
        secret [report]
    }
}

store::sealed_row! {
    /// Somebody of the team: who sent something, and who could be named.
    pub view MemberRow opens Member in "membership" id PersonId, keyed practice {
        clear { roles: String, status: String }
        sealed { display_name: String }
    }
}
