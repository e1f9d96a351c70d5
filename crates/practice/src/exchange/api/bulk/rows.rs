//! The tables of bulk exports.

use jiff::Timestamp;
use kernel::ClientId;
use uuid::Uuid;

use super::Asked;

store::sealed_row! {
    /// What a program asked to take out, and how far it is.
    pub row ExportRow opens Export patched by ExportPatch in "bulk_export" id Uuid, keyed practice {
        clear {
            client_id: ClientId,
            types: String,
            state: String,
            whole: bool,
            asked_at: Timestamp,
            ends_at: Timestamp,
            step: i32,
            last_id: Option<Uuid>,
            pieces: i32,
            done: i64,
            damaged: i64,
        }
        sealed { request: Asked }
    }
}

store::sealed_row! {
    /// Some lines of it.
    pub row PieceRow opens Piece patched by PiecePatch in "bulk_piece" id Uuid, keyed practice {
        clear { export_id: Uuid, resource_type: String, place: i32, lines: i64 }
        sealed { content: String }
        secret [content]
    }
}

store::sealed_row! {
    /// That there is a piece: its lines stay sealed.
    pub view PieceLineRow opens PieceLine in "bulk_piece" id Uuid, keyed practice {
        clear { export_id: Uuid, resource_type: String, place: i32, lines: i64 }
        sealed {}
    }
}
