//! Earlier versions of one resource, rebuilt from the log ([`store::Past`]): exactly, or not at all.
//!
//! A version is what stood after one act. A patient as a resource is made of several rows, its own and one
//! for each identifier; an act that changed several of them made one version, whose number is theirs added
//! up, as everywhere ([`crate::exchange::fhir::out::Stamp`]): so numbers can be passed over.

pub mod reads;

use jiff::Timestamp;
use kernel::{EventId, PatientId};
use store::Was;

use super::page::Shown;
use crate::exchange::fhir::out::Stamp;

/// Versions of one resource, a page of them.
pub struct Versions {
    /// The newest first.
    pub shown: Vec<Shown>,
    /// Whether the last of them is the one with which the resource began.
    pub begins: bool,
    /// How many there are in all; nothing where the log does not lead back to the first.
    pub total: Option<usize>,
    /// Where the next page begins, sealed for the one who asked.
    pub next: Option<Vec<u8>>,
}

/// What is wanted of a history.
#[derive(Debug, Clone, Copy)]
pub struct Wanted {
    /// Versions on a page.
    pub count: usize,
    /// Written then or later.
    pub since: Option<Timestamp>,
}

/// One row's versions, the newest first, and at which of them the walk is. Past the last there was no row.
struct Line<T> {
    was: Vec<Was<T>>,
    at: usize,
}

impl<T> Line<T> {
    const fn new(was: Vec<Was<T>>) -> Self {
        Self { was, at: 0 }
    }

    fn now(&self) -> Option<&Was<T>> {
        self.was.get(self.at)
    }

    fn event(&self) -> Option<EventId> {
        self.now().map(|was| was.event)
    }

    /// Goes back past an event; `false` where the row was there before it, and nobody knows as what.
    fn before(&mut self, event: EventId) -> bool {
        let Some(now) = self.now().filter(|now| now.event == event) else { return true };
        let first = now.version == 1;
        self.at += 1;
        first || self.now().is_some()
    }
}

/// What merges made of a patient: which events, and from when on the numbers of other records were theirs.
#[derive(Clone, Default)]
struct Merged {
    /// What the version counts beside the versions of rows, as it stands.
    passed: i64,
    /// The merges into this record that stand.
    events: Vec<EventId>,
    /// Which records stand under this one, and since when.
    away: Vec<(PatientId, EventId)>,
    /// Up to here another record was part of this one, or this one of another, and is no longer: it was read with
    /// what may be closed to the one who asks now, and is not told.
    until: Option<Timestamp>,
}

impl Merged {
    fn since(&self, record: PatientId) -> Option<EventId> {
        self.away.iter().find(|(away, _)| *away == record).map(|(_, since)| *since)
    }

    /// As it was before an event. A merge that was made before versions counted it has nothing to take off.
    fn before(&mut self, event: EventId) {
        let merges = self.events.iter().filter(|merge| **merge == event).count();
        self.passed = self.passed.saturating_sub(i64::try_from(merges).unwrap_or(i64::MAX)).max(0);
        self.away.retain(|(_, since)| *since < event);
    }
}

/// What stood at one time: of a patient's rows, which versions.
struct Standing<'w, P, N> {
    stamp: Stamp,
    patient: &'w P,
    numbers: Vec<&'w N>,
    /// The records that stood under this one.
    away: Vec<PatientId>,
}

/// One number's versions, and whose it is: nobody's, if it is the patient's own; else that of a record that was
/// merged into theirs.
type NumberLine<N> = (Option<PatientId>, Vec<Was<N>>);

/// A patient's rows, walked back together.
struct Walk<P, N> {
    patient: Line<P>,
    numbers: Vec<(Option<PatientId>, Line<N>)>,
    merged: Merged,
}

impl<P, N> Walk<P, N> {
    fn new(patient: Vec<Was<P>>, numbers: Vec<NumberLine<N>>, merged: Merged) -> Self {
        let numbers = numbers.into_iter().map(|(of, was)| (of, Line::new(was))).collect();
        Self { patient: Line::new(patient), numbers, merged }
    }

    /// Shows every version to `show`, the newest first. Whether the first of all was reached.
    fn back(mut self, mut show: impl FnMut(Standing<'_, P, N>)) -> bool {
        while let Some(patient) = self.patient.now() {
            let numbers: Vec<&Was<N>> = self.numbers.iter().filter_map(|(_, number)| number.now()).collect();
            let own = Stamp::of(patient.version.saturating_add(self.merged.passed), patient.event);
            let stamp = numbers.iter().fold(own, |stamp, number| stamp.and(number.version, number.event));
            let numbers = numbers.iter().map(|was| &was.open).collect();
            let away = self.merged.away.iter().map(|(record, _)| *record).collect();
            show(Standing { stamp, patient: &patient.open, numbers, away });
            // The latest of the events that wrote what stands: of each row the later version has the later event.
            let events = self.numbers.iter().filter_map(|(_, number)| number.event());
            let Some(latest) = events.chain(self.patient.event()).max() else { return false };
            if self.merged.until.is_some_and(|until| latest.made_at() <= until) {
                return false;
            }
            self.merged.before(latest);
            let merged = &self.merged;
            self.numbers.retain(|(of, _)| of.is_none_or(|record| merged.since(record).is_some()));
            let known = self.patient.before(latest);
            let all_known = self.numbers.iter_mut().fold(known, |known, (_, number)| number.before(latest) && known);
            if !all_known {
                return false;
            }
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;
    use kernel::{Entropy, SystemEntropy};

    use super::*;

    fn events(count: i64) -> Vec<EventId> {
        let entropy = Entropy::from(SystemEntropy);
        (0..count).map(|at| EventId::new(Timestamp::from_second(1_700_000_000 + at).unwrap(), &entropy)).collect()
    }

    fn was(version: i64, event: EventId, open: &'static str) -> Was<&'static str> {
        Was { version, event, open }
    }

    fn told(patient: Vec<Was<&'static str>>, numbers: Vec<Vec<Was<&'static str>>>) -> (Vec<(i64, String)>, bool) {
        merged(patient, numbers.into_iter().map(|was| (None, was)).collect(), Merged::default())
    }

    fn merged(
        patient: Vec<Was<&'static str>>,
        numbers: Vec<NumberLine<&'static str>>,
        merged: Merged,
    ) -> (Vec<(i64, String)>, bool) {
        let mut told = Vec::new();
        let begins = Walk::new(patient, numbers, merged).back(|standing| {
            let numbers: Vec<&str> = standing.numbers.iter().map(|number| **number).collect();
            told.push((standing.stamp.version, format!("{} {}", standing.patient, numbers.join("+"))));
        });
        (told, begins)
    }

    #[test]
    fn rows_that_one_act_wrote_go_back_together_and_the_numbers_of_versions_add_up() {
        let at = events(4);
        let patient = vec![was(2, at[3], "Nkosi"), was(1, at[0], "Mokoena")];
        let numbers = vec![vec![was(2, at[3], "off"), was(1, at[0], "a")], vec![was(1, at[1], "b")]];
        let (told, begins) = told(patient, numbers);
        let told: Vec<(i64, &str)> = told.iter().map(|(version, words)| (*version, words.as_str())).collect();
        assert_eq!(told, [(5, "Nkosi off+b"), (3, "Mokoena a+b"), (2, "Mokoena a")]);
        assert!(begins);
    }

    #[test]
    fn numbers_of_another_record_count_from_the_merge_on_and_not_before() {
        let (at, other) = (events(5), PatientId::from_uuid(uuid::Uuid::from_u128(7)));
        let patient = vec![was(2, at[3], "Nkosi"), was(1, at[0], "Nkosi")];
        let numbers = vec![
            (None, vec![was(1, at[0], "a")]),
            (Some(other), vec![was(3, at[4], "b3"), was(2, at[2], "b2"), was(1, at[1], "b1")]),
        ];
        let known = Merged { passed: 1, events: vec![at[3]], away: vec![(other, at[3])], until: None };
        let (told, begins) = merged(patient, numbers, known);
        let told: Vec<(i64, &str)> = told.iter().map(|(version, words)| (*version, words.as_str())).collect();
        assert_eq!(told, [(7, "Nkosi a+b3"), (6, "Nkosi a+b2"), (2, "Nkosi a")]);
        assert!(begins);
    }

    #[test]
    fn what_was_read_while_another_record_was_part_of_it_is_not_told() {
        let at = events(4);
        let patient = vec![was(4, at[3], "d"), was(3, at[2], "c"), was(2, at[1], "b"), was(1, at[0], "a")];
        let (told, begins) =
            merged(patient, Vec::new(), Merged { passed: 9, until: Some(at[2].made_at()), ..Merged::default() });
        assert_eq!(told.iter().map(|(version, _)| *version).collect::<Vec<_>>(), [13, 12]);
        assert!(!begins);
    }

    #[test]
    fn where_the_log_does_not_lead_back_nothing_is_made_up() {
        let at = events(3);
        // The second version of the number is known, and not what it was before.
        let (told, begins) = told(vec![was(1, at[0], "Mokoena")], vec![vec![was(3, at[2], "c"), was(2, at[1], "b")]]);
        assert_eq!(told.iter().map(|(version, _)| *version).collect::<Vec<_>>(), [4, 3]);
        assert!(!begins);
    }
}
