//! The words every room of the house speaks: identifiers, time, randomness, secrets, kinds of
//! error. Nothing here does I/O of its own, and nothing here knows about the database.

mod clock;
mod entropy;
mod error;
mod id;
mod secret;
mod source;

pub use clock::{Clock, ManualClock, SystemClock};
pub use entropy::{Entropy, SystemEntropy};
pub use error::ErrorKind;
pub use id::{
    AccessId, AlertId, ClientId, DataKeyId, EntryId, EventId, EventOrder, ExportId, IdError, IdempotencyKey,
    IdentifierId, ImportId, InvitationId, MappingId, MergeId, PatientId, PersonId, PracticeId, ResourceId, SessionId,
    UploadId,
};
pub use secret::Secret;
pub use source::Source;
