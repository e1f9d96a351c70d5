//! Commands for the host, beside a running installation: founding practices, inviting their first
//! people, turning keys, bringing records in.

mod import;
mod keys;
mod people;

use std::path::PathBuf;

use identity::password::Hasher;
use identity::{ANSWER_FLOOR, Identity};
use kernel::PracticeId;
use serde::{Deserialize, Serialize};

use crate::doors::{Doors, entropy};
use crate::failure::Failure;

/// What was asked for.
#[derive(Serialize, Deserialize)]
pub(crate) enum Task {
    PracticeCreate {
        slug: String,
        name: String,
        time_zone: String,
        country: String,
    },
    PracticeList,
    PersonInvite {
        practice: String,
        email: String,
        name: String,
        roles: Vec<String>,
    },
    PersonList {
        practice: String,
    },
    KeysStatus,
    /// Of one practice, or of all.
    KeysRotate {
        practice: Option<String>,
    },
    KeysRotateRoot,
    /// From a folder of FHIR NDJSON.
    ImportFhir {
        practice: String,
        folder: PathBuf,
        source: String,
        dry_run: bool,
    },
}

/// The open house of one command.
struct House {
    identity: Identity,
    doors: Doors,
}

impl Task {
    /// Does it. `origin` is where links lead.
    pub(crate) async fn perform(self, doors: &Doors, origin: &str) -> Result<(), Failure> {
        let hasher = Hasher::new(entropy()).map_err(|error| Failure::said(error.to_string()))?;
        let identity = Identity::new(doors.open()?, hasher, origin, ANSWER_FLOOR);
        let house = House { identity, doors: doors.clone() };
        match self {
            Self::PracticeCreate { slug, name, time_zone, country } => {
                people::found(&house, slug, name, time_zone, country).await
            }
            Self::PracticeList => people::practices(&house).await,
            Self::PersonInvite { practice, email, name, roles } => {
                people::invite(&house, &practice, &email, &name, &roles).await
            }
            Self::PersonList { practice } => people::people(&house, &practice).await,
            Self::KeysStatus => keys::status(&house).await,
            Self::KeysRotate { practice } => keys::rotate(&house, practice.as_deref()).await,
            Self::KeysRotateRoot => keys::rotate_root(&house).await,
            Self::ImportFhir { practice, folder, source, dry_run } => {
                import::fhir(&house, &practice, &folder, source, dry_run).await
            }
        }
    }
}

impl House {
    /// The practice of a short name.
    async fn practice(&self, slug: &str) -> Result<PracticeId, Failure> {
        let found = self.identity.practice_by_slug(slug).await.map_err(|error| explained(&error))?;
        found.ok_or_else(|| {
            Failure::said(format!("there is no practice {slug}; `vouchsafe practice list` shows those that there are"))
        })
    }
}

/// An error with its causes.
fn explained(error: &dyn std::error::Error) -> Failure {
    Failure::said(crate::servers::whole(error))
}
