//! The tables of this slice.

use jiff::Timestamp;
use kernel::{ExportId, PersonId, PracticeId};
use uuid::Uuid;

store::sealed_row! {
    /// An export: who asked, who agreed, how far it is.
    pub row ExportRow opens Export patched by ExportPatch in "export" id ExportId, keyed practice {
        clear {
            scope: String,
            patient_id: Option<Uuid>,
            state: String,
            purpose: String,
            recipient: String,
            asked_by: Uuid,
            asked_at: Timestamp,
            alone_at: Option<Timestamp>,
            settled_by: Option<Uuid>,
            settled_at: Option<Timestamp>,
            ready_at: Option<Timestamp>,
            ends_at: Timestamp,
            steps: String,
            step: i32,
            cut: i32,
            last_id: Option<Uuid>,
            page: i32,
            done: i64,
            whole: i64,
            damaged: i64,
            bytes: i64,
        }
        sealed {}
    }
}

store::sealed_row! {
    /// Somebody of the team: for who asked and who must be told.
    pub view MemberRow opens Member in "membership" id PersonId, keyed practice {
        clear { roles: String, status: String }
        sealed { display_name: String, email: String }
    }
}

store::sealed_row! {
    /// The practice's name.
    pub view PracticeNameRow opens PracticeName in "practice" id PracticeId, keyed practice {
        clear { time_zone: String }
        sealed { name: String }
    }
}
