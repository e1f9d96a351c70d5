//! Commands for the host, beside a running installation: founding practices, inviting their first
//! people, turning keys, bringing records in.

mod export;
mod import;
mod keys;
mod people;

use std::path::PathBuf;

use clap::Args;
use identity::password::Hasher;
use identity::{ANSWER_FLOOR, Identity};
use kernel::PracticeId;
use serde::{Deserialize, Serialize};

use crate::doors::{Doors, entropy};
use crate::failure::Failure;
pub(crate) use export::{absolute, new_file, new_identity, open as open_archive, verify as verify_archive};

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
    PersonLetIn {
        practice: String,
        email: String,
    },
    KeysStatus,
    /// Of one practice, or of all.
    KeysRotate {
        practice: Option<String>,
    },
    KeysRotateRoot,
    /// From NDJSON and bundles of FHIR.
    ImportFhir {
        practice: String,
        folder: PathBuf,
        source: String,
        /// Who may open restricted records here, by their e-mail addresses.
        named: Vec<String>,
        manner: Manner,
    },
    /// From a table, by a mapping file, or by the mapping that was used last for such a table.
    ImportCsv {
        practice: String,
        file: PathBuf,
        mapping: Option<PathBuf>,
        source: String,
        manner: Manner,
    },
    /// From a file of vCards.
    ImportVcard {
        practice: String,
        file: PathBuf,
        source: String,
        manner: Manner,
    },
    /// An archive of a practice, or of one patient, to a file or to standard output.
    ExportMake {
        practice: String,
        patient: Option<String>,
        recipient: String,
        to: Option<PathBuf>,
    },
    /// The key by which others check what this installation signs.
    ExportKey,
    ImportList {
        practice: String,
    },
    ImportUndo {
        practice: String,
        run: String,
        dry_run: bool,
    },
}

/// How an import is done, whatever it is from.
#[derive(Clone, Copy, Serialize, Deserialize, Args)]
pub(crate) struct Manner {
    /// Only say what would happen: what is new, known, skipped, rejected and why
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// Print what there is to say of single lines as a table (CSV) for a spreadsheet, and nothing else
    #[arg(long = "csv-report")]
    pub(crate) table: bool,
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
            Self::PersonLetIn { practice, email } => people::let_in(&house, &practice, &email).await,
            Self::KeysStatus => keys::status(&house).await,
            Self::KeysRotate { practice } => keys::rotate(&house, practice.as_deref()).await,
            Self::KeysRotateRoot => keys::rotate_root(&house).await,
            Self::ExportMake { practice, patient, recipient, to } => {
                export::make(&house, &practice, patient.as_deref(), &recipient, to.as_deref(), origin).await
            }
            Self::ExportKey => export::key(&house),
            Self::ImportFhir { practice, folder, source, named, manner } => {
                import::fhir(&house, &practice, &folder, source, &named, manner).await
            }
            Self::ImportCsv { practice, file, mapping, source, manner } => {
                import::csv(&house, &practice, &file, mapping.as_deref(), source, manner).await
            }
            Self::ImportVcard { practice, file, source, manner } => {
                import::vcard(&house, &practice, &file, source, manner).await
            }
            Self::ImportList { practice } => import::list(&house, &practice).await,
            Self::ImportUndo { practice, run, dry_run } => import::undo(&house, &practice, &run, dry_run).await,
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

/// Prints the mapping that a table suggests. Opens no house.
pub(crate) fn suggest_mapping(file: &std::path::Path) -> Result<(), Failure> {
    import::suggest(file)
}

/// An error with its causes.
fn explained(error: &dyn std::error::Error) -> Failure {
    Failure::said(crate::servers::whole(error))
}
