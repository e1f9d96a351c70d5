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
use crate::patients::rows::{IdentifierRow, KnownIdentifier, MaskedIdentifier, MaskedRow, PatientRow};

/// How much of an identifier a permission shows.
pub(super) trait Sight: Reads {
    /// The whole number, or its masked form alone.
    const WHOLE: bool;
}

macro_rules! sight {
    ($($action:ty = $whole:literal;)+) => {$(impl Sight for $action { const WHOLE: bool = $whole; })+};
}

// True stands only beside sets that have `RevealIdentifier`, and beside what a bulk export gathers for a program
// that had it when it asked.
sight! {
    ReadPatient = false;
    FindPatient = false;
    OpenRecord = false;
    GatherMasked = false;
    GatherWhole = true;
    ReadWhole = true;
    FindWhole = true;
    OpenRecordWhole = true;
}

/// A form of an identifier's row, whole or masked, whose earlier versions can be shown.
pub(super) trait Numbered: StoredRow {
    /// Under which record it stands.
    fn patient(&self) -> PatientId;
    /// Whether it stood.
    fn stands(open: &Self::Open) -> bool;
    /// As it is shown.
    fn shown(open: &Self::Open) -> ShownIdentifier;
}

impl Numbered for IdentifierRow {
    fn patient(&self) -> PatientId {
        self.patient_id
    }

    fn stands(open: &KnownIdentifier) -> bool {
        open.active
    }

    fn shown(open: &KnownIdentifier) -> ShownIdentifier {
        ShownIdentifier::Whole(open.id, Box::new(open.value.clone()))
    }
}

impl Numbered for MaskedRow {
    fn patient(&self) -> PatientId {
        self.patient_id
    }

    fn stands(open: &MaskedIdentifier) -> bool {
        open.active
    }

    fn shown(open: &MaskedIdentifier) -> ShownIdentifier {
        ShownIdentifier::Masked(open.id, kind_of(&open.kind), open.masked.clone())
    }
}

/// Identifiers as stored, of several patients. Those that no longer stand are counted and not opened.
#[derive(Default)]
pub(super) struct Numbers {
    whole: Vec<IdentifierRow>,
    masked: Vec<MaskedRow>,
    written: HashMap<PatientId, Vec<(i64, EventId)>>,
    /// Which records were merged into which.
    away: HashMap<PatientId, PatientId>,
}

impl Numbers {
    /// Those of these patients, of the records that were merged into theirs too. With it the reading ends.
    pub(super) async fn last_of<A: Sight>(tx: &mut Tx<A>, patients: &[Uuid]) -> Result<Self, StoreError> {
        if patients.is_empty() {
            return Ok(Self::default());
        }
        let mut brought = tx.bring(&[(MERGED_INTO, &[&patients]), (NUMBERS_OF, &[&patients])]).await?;
        let away = brought.pairs()?.into_iter();
        let away = away.map(|(record, into)| (PatientId::from_uuid(record), PatientId::from_uuid(into))).collect();
        if A::WHOLE { Ok(Self::whole(away, brought.rows()?)) } else { Ok(Self::masked(away, brought.rows()?)) }
    }

    /// Those of one patient who was asked about, of the records that were merged into theirs too.
    pub(super) async fn of_one<A: Sight>(tx: &Tx<A>, patient: PatientId) -> Result<Self, StoreError> {
        Self::under(tx, &tx.records_of(patient), away_from(tx, patient)).await
    }

    /// Those of one patient who was asked about, which were read already; likewise.
    pub(super) fn brought<A: Sight>(tx: &Tx<A>, patient: PatientId, brought: &mut Brought) -> Result<Self, StoreError> {
        let away = away_from(tx, patient);
        if A::WHOLE { Ok(Self::whole(away, brought.rows()?)) } else { Ok(Self::masked(away, brought.rows()?)) }
    }

    /// Those of one record alone, as for one that was merged away.
    pub(super) async fn of_record<A: Sight>(tx: &Tx<A>, record: PatientId) -> Result<Self, StoreError> {
        Self::under(tx, &[record.uuid()], HashMap::new()).await
    }

    async fn under<A: Sight>(
        tx: &Tx<A>,
        records: &[Uuid],
        away: HashMap<PatientId, PatientId>,
    ) -> Result<Self, StoreError> {
        if A::WHOLE {
            Ok(Self::whole(away, number_rows(tx, records).await?))
        } else {
            Ok(Self::masked(away, number_rows(tx, records).await?))
        }
    }

    fn whole(away: HashMap<PatientId, PatientId>, rows: Vec<IdentifierRow>) -> Self {
        let mut numbers = Self { away, ..Self::default() };
        for row in &rows {
            numbers.note(row.patient_id, row.row_version, row.event_id);
        }
        numbers.whole = rows.into_iter().filter(|row| row.active).collect();
        numbers
    }

    fn masked(away: HashMap<PatientId, PatientId>, rows: Vec<MaskedRow>) -> Self {
        let mut numbers = Self { away, ..Self::default() };
        for row in &rows {
            numbers.note(row.patient_id, row.row_version, row.event_id);
        }
        numbers.masked = rows.into_iter().filter(|row| row.active).collect();
        numbers
    }

    fn note(&mut self, patient: PatientId, version: i64, event: EventId) {
        self.written.entry(self.whose(patient)).or_default().push((version, event));
    }

    fn whose(&self, record: PatientId) -> PatientId {
        self.away.get(&record).copied().unwrap_or(record)
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

/// The records that were merged into that of a patient who was asked about.
fn away_from<A: Sight>(tx: &Tx<A>, patient: PatientId) -> HashMap<PatientId, PatientId> {
    let records = tx.records_of(patient).into_iter().map(PatientId::from_uuid);
    records.filter(|record| *record != patient).map(|record| (record, patient)).collect()
}

impl Unseal for Numbers {
    type Open = HashMap<PatientId, Vec<ShownIdentifier>>;

    fn survey(&self, practice: PracticeId, survey: &mut Survey) {
        self.whole.survey(practice, survey);
        self.masked.survey(practice, survey);
    }

    fn unseal(self, opener: &Opener) -> Self::Open {
        let mut shown: Self::Open = HashMap::new();
        let away = self.away;
        let whose = |record: PatientId| away.get(&record).copied().unwrap_or(record);
        for row in self.whole {
            let (patient, id, kind) = (row.patient_id, row.id, kind_of(&row.kind));
            let number = row
                .unseal(opener)
                .map_or(ShownIdentifier::Damaged(id, kind), |open| ShownIdentifier::Whole(id, Box::new(open.value)));
            shown.entry(whose(patient)).or_default().push(number);
        }
        for row in self.masked {
            let (patient, id, kind) = (row.patient_id, row.id, kind_of(&row.kind));
            let number = row
                .unseal(opener)
                .map_or(ShownIdentifier::Damaged(id, kind), |open| ShownIdentifier::Masked(id, kind, open.masked));
            shown.entry(whose(patient)).or_default().push(number);
        }
        shown
    }
}

fn kind_of(code: &str) -> IdentifierKind {
    IdentifierKind::from_code(code).unwrap_or(IdentifierKind::Other)
}
