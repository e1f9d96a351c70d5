//! The identifiers of patients as the one who asks may see them: which, is said by the permission and
//! nothing else.

use std::collections::HashMap;

use kernel::{EventId, PatientId, PracticeId};
use store::{Brought, Opener, Reads, StoreError, StoredRow, Survey, Tx, Unseal};
use uuid::Uuid;

use super::bulk::{GatherMasked, GatherWhole};
use super::reads::{MERGED_INTO, NUMBERS_OF, number_rows};
use crate::exchange::fhir::out::{ShownIdentifier, Stamp};
use crate::patients::actions::{FindPatient, FindWhole, OpenRecord, OpenRecordWhole, ReadPatient, ReadWhole};
use crate::patients::identifiers::IdentifierKind;
use crate::patients::rows::{IdentifierRow, MaskedRow, PatientRow};

/// How much of an identifier a permission shows.
pub(super) trait Sight: Reads {
    /// The row as it may be opened: with the whole number, or with its masked form alone.
    type Number: Numbered;
}

macro_rules! sight {
    ($($action:ty = $number:ty;)+) => {$(impl Sight for $action { type Number = $number; })+};
}

// Whole numbers stand only beside sets that have `RevealIdentifier`, and beside what a bulk export gathers for a
// program that had it when it asked.
sight! {
    ReadPatient = MaskedRow;
    FindPatient = MaskedRow;
    OpenRecord = MaskedRow;
    GatherMasked = MaskedRow;
    GatherWhole = IdentifierRow;
    ReadWhole = IdentifierRow;
    FindWhole = IdentifierRow;
    OpenRecordWhole = IdentifierRow;
}

/// A form of an identifier's row, whole or masked.
pub(super) trait Numbered: StoredRow {
    /// Under which record it stands.
    fn patient(&self) -> PatientId;
    /// Its version, and the event that wrote it.
    fn version(&self) -> (i64, EventId);
    /// Whether it stands.
    fn is_active(&self) -> bool;
    /// As it is shown where it does not open.
    fn damaged(&self) -> ShownIdentifier;
    /// Whether it stood, in an earlier version.
    fn stands(open: &Self::Open) -> bool;
    /// As it is shown.
    fn shown(open: &Self::Open) -> ShownIdentifier;
}

macro_rules! numbered {
    ($row:ty, $open:ident => $shown:expr) => {
        impl Numbered for $row {
            fn patient(&self) -> PatientId {
                self.patient_id
            }

            fn version(&self) -> (i64, EventId) {
                (self.row_version, self.event_id)
            }

            fn is_active(&self) -> bool {
                self.active
            }

            fn damaged(&self) -> ShownIdentifier {
                ShownIdentifier::Damaged(self.id, kind_of(&self.kind))
            }

            fn stands(open: &Self::Open) -> bool {
                open.active
            }

            fn shown($open: &Self::Open) -> ShownIdentifier {
                $shown
            }
        }
    };
}

numbered!(IdentifierRow, open => ShownIdentifier::Whole(open.id, Box::new(open.value.clone())));
numbered!(MaskedRow, open => ShownIdentifier::Masked(open.id, kind_of(&open.kind), open.masked.clone()));

/// Identifiers as stored, of several patients. Those that no longer stand are counted and not opened.
pub(super) struct Numbers<N> {
    standing: Vec<N>,
    written: HashMap<PatientId, Vec<(i64, EventId)>>,
    /// Which records were merged into which.
    away: HashMap<PatientId, PatientId>,
}

impl<N: Numbered> Numbers<N> {
    /// Those of these patients, of the records that were merged into theirs too. With it the reading ends.
    pub(super) async fn last_of<A: Sight<Number = N>>(tx: &mut Tx<A>, patients: &[Uuid]) -> Result<Self, StoreError> {
        if patients.is_empty() {
            return Ok(Self::new(HashMap::new(), Vec::new()));
        }
        let mut brought = tx.bring(&[(MERGED_INTO, &[&patients]), (NUMBERS_OF, &[&patients])]).await?;
        let away = brought.pairs()?.into_iter();
        let away = away.map(|(record, into)| (PatientId::from_uuid(record), PatientId::from_uuid(into))).collect();
        Ok(Self::new(away, brought.rows()?))
    }

    /// Those of one patient who was asked about, of the records that were merged into theirs too.
    pub(super) async fn of_one<A: Sight<Number = N>>(tx: &Tx<A>, patient: PatientId) -> Result<Self, StoreError> {
        Ok(Self::new(away_from(tx, patient), number_rows(tx, &tx.records_of(patient)).await?))
    }

    /// Those of one patient who was asked about, which were read already; likewise.
    pub(super) fn brought<A: Sight<Number = N>>(
        tx: &Tx<A>,
        patient: PatientId,
        brought: &mut Brought<A>,
    ) -> Result<Self, StoreError> {
        Ok(Self::new(away_from(tx, patient), brought.rows()?))
    }

    /// Those of one record alone, as for one that was merged away.
    pub(super) async fn of_record<A: Sight<Number = N>>(tx: &Tx<A>, record: PatientId) -> Result<Self, StoreError> {
        Ok(Self::new(HashMap::new(), number_rows(tx, &[record.uuid()]).await?))
    }

    fn new(away: HashMap<PatientId, PatientId>, rows: Vec<N>) -> Self {
        let mut written: HashMap<PatientId, Vec<(i64, EventId)>> = HashMap::new();
        for row in &rows {
            written.entry(whose(&away, row.patient())).or_default().push(row.version());
        }
        Self { standing: rows.into_iter().filter(Numbered::is_active).collect(), written, away }
    }

    /// The records that were merged into a patient's, in order.
    pub(super) fn merged_into(&self, patient: PatientId) -> Vec<PatientId> {
        let mut records: Vec<PatientId> =
            self.away.iter().filter(|(_, into)| **into == patient).map(|(record, _)| *record).collect();
        records.sort();
        records
    }

    /// The version and time of a patient as a resource: of its row and of its identifiers, those too that
    /// were taken off it.
    pub(super) fn stamp(&self, row: &PatientRow) -> Stamp {
        let own = Stamp::of_patient(row);
        let written = self.written.get(&row.id).map(Vec::as_slice).unwrap_or_default();
        written.iter().fold(own, |stamp, (version, event)| stamp.and(*version, *event))
    }
}

/// The record that stands for one.
fn whose(away: &HashMap<PatientId, PatientId>, record: PatientId) -> PatientId {
    away.get(&record).copied().unwrap_or(record)
}

/// The records that were merged into that of a patient who was asked about.
fn away_from<A: Sight>(tx: &Tx<A>, patient: PatientId) -> HashMap<PatientId, PatientId> {
    let records = tx.records_of(patient).into_iter().map(PatientId::from_uuid);
    records.filter(|record| *record != patient).map(|record| (record, patient)).collect()
}

impl<N: Numbered> Unseal for Numbers<N> {
    type Open = HashMap<PatientId, Vec<ShownIdentifier>>;

    fn survey(&self, practice: PracticeId, survey: &mut Survey) {
        for row in &self.standing {
            survey.note(practice, row.key());
        }
    }

    fn unseal(self, opener: &Opener) -> Self::Open {
        let mut shown: Self::Open = HashMap::new();
        for row in &self.standing {
            let number = row.open(opener).map_or_else(|_| row.damaged(), |open| N::shown(&open));
            shown.entry(whose(&self.away, row.patient())).or_default().push(number);
        }
        shown
    }
}

fn kind_of(code: &str) -> IdentifierKind {
    IdentifierKind::from_code(code).unwrap_or(IdentifierKind::Other)
}
