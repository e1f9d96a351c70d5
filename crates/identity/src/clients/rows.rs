//! The tables of connections. The program's name and keys are sealed under the practice's key.
#![allow(
    dead_code,
    clippy::struct_field_names,
    reason = "the macro gives every row the same fields, of which not each is read, named as the columns are"
)]

use jiff::Timestamp;
use kernel::{ClientId, PersonId};
use uuid::Uuid;

store::sealed_row! {
    /// A program that was let in.
    pub(crate) row ClientRow opens Client patched by ClientPatch in "api_client" id ClientId, keyed practice {
        clear {
            kind: String,
            state: String,
            scopes: String,
            token_hash: Option<Vec<u8>>,
            created_by: Uuid,
            created_at: Timestamp,
            expires_at: Timestamp,
            ended_at: Option<Timestamp>,
        }
        sealed { name: String, keys: Option<String> }
        secret [token_hash]
    }
}

store::sealed_row! {
    /// A program with when it was last heard of.
    pub(crate) view SeenClientRow opens SeenClient in "api_client" id ClientId, keyed practice {
        clear {
            kind: String,
            scopes: String,
            created_by: Uuid,
            created_at: Timestamp,
            expires_at: Timestamp,
            ended_at: Option<Timestamp>,
            seen_at: Option<Timestamp>,
        }
        sealed { name: String }
    }
}

store::sealed_row! {
    /// A pass for minutes.
    pub(crate) row PassRow opens Pass patched by PassPatch in "api_token" id Uuid, keyed practice {
        clear {
            client_id: ClientId,
            token_hash: Vec<u8>,
            scopes: String,
            created_at: Timestamp,
            expires_at: Timestamp,
        }
        sealed {}
        secret [token_hash]
    }
}

store::sealed_row! {
    /// The name of a member who made a connection.
    pub(crate) view MakerRow opens Maker in "membership" id PersonId, keyed practice {
        clear { status: String }
        sealed { display_name: String }
    }
}
