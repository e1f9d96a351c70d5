//! Earlier versions of one resource, rebuilt from the log ([`store::Past`]): exactly, or not at all.
//!
//! A version is what stood after one act. A patient as a resource is made of several rows, its own and one
//! for each identifier; an act that changed several of them made one version, whose number is theirs added
//! up, as everywhere ([`crate::exchange::fhir::out::Stamp`]): so numbers can be passed over.

pub mod reads;

use jiff::Timestamp;
use kernel::EventId;
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

/// What stood at one time: of a patient's rows, which versions.
struct Standing<'w, P, N> {
    stamp: Stamp,
    patient: &'w P,
    numbers: Vec<&'w N>,
}

/// A patient's rows, walked back together.
struct Walk<P, N> {
    patient: Line<P>,
    numbers: Vec<Line<N>>,
}

impl<P, N> Walk<P, N> {
    fn new(patient: Vec<Was<P>>, numbers: Vec<Vec<Was<N>>>) -> Self {
        Self { patient: Line::new(patient), numbers: numbers.into_iter().map(Line::new).collect() }
    }

    /// Shows every version to `show`, the newest first. Whether the first of all was reached.
    fn back(mut self, mut show: impl FnMut(Standing<'_, P, N>)) -> bool {
        while let Some(patient) = self.patient.now() {
            let numbers: Vec<&Was<N>> = self.numbers.iter().filter_map(Line::now).collect();
            let own = Stamp::of(patient.version, patient.event);
            let stamp = numbers.iter().fold(own, |stamp, number| stamp.and(number.version, number.event));
            show(Standing { stamp, patient: &patient.open, numbers: numbers.iter().map(|was| &was.open).collect() });
            // The latest of the events that wrote what stands: of each row the later version has the later event.
            let latest = self.numbers.iter().filter_map(Line::event).chain(self.patient.event()).max();
            let Some(latest) = latest else { return false };
            let known = self.patient.before(latest);
            let all_known = self.numbers.iter_mut().fold(known, |known, number| number.before(latest) && known);
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
        let mut told = Vec::new();
        let begins = Walk::new(patient, numbers).back(|standing| {
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
    fn where_the_log_does_not_lead_back_nothing_is_made_up() {
        let at = events(3);
        // The second version of the number is known, and not what it was before.
        let (told, begins) = told(vec![was(1, at[0], "Mokoena")], vec![vec![was(3, at[2], "c"), was(2, at[1], "b")]]);
        assert_eq!(told.iter().map(|(version, _)| *version).collect::<Vec<_>>(), [4, 3]);
        assert!(!begins);
    }
}
