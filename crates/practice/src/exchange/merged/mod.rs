//! What files say of which records are of the same person, carried out when all of them are in.
//!
//! A patient's `link` of the type `replaced-by` (FHIR R4, 8.1.6.2) says that another record stands in its place.
//! Where this very run added both, they become one as if by hand, except that the surviving record takes nothing
//! over: its source has said already what stands in it. Anything else stays two records, and the report says so.
//! The merges are remembered with what else the run added, so that one that was cut short makes none twice and
//! one that is taken back takes them along.

mod writes;

use std::collections::HashMap;
use std::sync::Arc;

pub(super) use writes::carry_out;

use super::fhir::{Finding, Index, Outcome, PatientImport, Reject, Report, ResourceKey};
use crate::patients::merging::RECORDS_MAX;

const ELSEWHERE: &str =
    "says that another record is of the same person, which is not among these: they stay as they are";
const SEVERAL: &str = "says that it was replaced by several records: it stays as it is";
const CIRCLE: &str = "says that it was replaced by a record that it replaces itself: they stay as they are";
const ONE_SIDED: &str = "says that it replaces a record which does not say so: they stay two";

/// Where somebody said something.
#[derive(Clone)]
struct Place {
    file: Arc<str>,
    line: u64,
}

impl Place {
    fn warn(&self, reason: &'static str, report: &mut Report) {
        let problem = Reject { field: "Patient.link".to_owned(), reason: reason.into() };
        report.note(Finding::of(Outcome::Warn, &self.file, self.line, "Patient", &problem));
    }
}

struct Claim {
    from: ResourceKey,
    /// Nothing where it names several.
    into: Option<ResourceKey>,
    in_use: Option<bool>,
    place: Place,
}

/// A record that is to go into another.
struct Told {
    from: ResourceKey,
    into: ResourceKey,
    /// Whether it was in use itself, where its source says that.
    in_use: Option<bool>,
    place: Place,
}

/// What the files say, while they are read: two hashes for each record that was replaced.
#[derive(Default)]
pub(super) struct Claims {
    said: Vec<Claim>,
    by_from: HashMap<ResourceKey, usize>,
    replaces: Vec<(ResourceKey, ResourceKey, Place)>,
}

impl Claims {
    /// Takes note of what a patient's resource says. What leads nowhere is reported at once.
    pub(super) fn hear(
        &mut self,
        index: &Index,
        key: ResourceKey,
        patient: &PatientImport,
        (file, line): (&Arc<str>, u64),
        report: &mut Report,
    ) {
        let replacing = &patient.replacing;
        if replacing.by.is_empty() && replacing.of.is_empty() {
            return;
        }
        let place = Place { file: Arc::clone(file), line };
        let mut found: Vec<ResourceKey> = Vec::new();
        for reference in &replacing.by {
            match index.resolve(reference, "Patient") {
                Ok(into) if found.contains(&into) => {}
                Ok(into) => found.push(into),
                Err(_) => place.warn(ELSEWHERE, report),
            }
        }
        if let Some(first) = found.first().copied() {
            let into = (found.len() == 1).then_some(first);
            self.by_from.insert(key, self.said.len());
            self.said.push(Claim { from: key, into, in_use: replacing.in_use, place: place.clone() });
        }
        for reference in &replacing.of {
            match index.resolve(reference, "Patient") {
                Ok(from) => self.replaces.push((from, key, place.clone())),
                Err(_) => place.warn(ELSEWHERE, report),
            }
        }
    }

    fn next(&self, key: ResourceKey) -> Option<ResourceKey> {
        self.by_from.get(&key).and_then(|at| self.said.get(*at)?.into)
    }

    /// The record that stands at the end of the way from one to the next; nothing where that is a circle.
    fn last(&self, from: ResourceKey) -> Option<ResourceKey> {
        let mut last = from;
        for _ in 0..RECORDS_MAX {
            match self.next(last) {
                Some(next) => last = next,
                None => return Some(last),
            }
        }
        None
    }

    /// What is to be carried out, in the order of the files. What is not is reported.
    fn settled(self, report: &mut Report) -> Vec<Told> {
        for (from, into, place) in &self.replaces {
            let both = self.next(*from).is_some() && self.last(*from) == self.last(*into);
            if !both {
                place.warn(ONE_SIDED, report);
            }
        }
        let mut told = Vec::new();
        for claim in &self.said {
            match (claim.into, self.last(claim.from)) {
                (None, _) => claim.place.warn(SEVERAL, report),
                (Some(_), None) => claim.place.warn(CIRCLE, report),
                (Some(_), Some(into)) => {
                    told.push(Told { from: claim.from, into, in_use: claim.in_use, place: claim.place.clone() });
                }
            }
        }
        told
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(id: &str) -> ResourceKey {
        ResourceKey::of("Patient", id)
    }

    fn said(pairs: &[(&str, &[&str])]) -> (Vec<(ResourceKey, ResourceKey)>, String) {
        let mut claims = Claims::default();
        for (at, (from, into)) in pairs.iter().enumerate() {
            let into = if let [one] = into { Some(key(one)) } else { None };
            let place = Place { file: "Patient.ndjson".into(), line: at as u64 + 1 };
            claims.by_from.insert(key(from), at);
            claims.said.push(Claim { from: key(from), into, in_use: None, place });
        }
        let mut report = Report::default();
        let told = claims.settled(&mut report);
        (told.iter().map(|told| (told.from, told.into)).collect(), report.to_string())
    }

    #[test]
    fn whoever_was_replaced_goes_into_the_one_that_stands_at_the_end() {
        let (told, _) = said(&[("a", &["b"]), ("b", &["c"])]);
        assert!(told == [(key("a"), key("c")), (key("b"), key("c"))]);
    }

    #[test]
    fn circles_and_several_successors_make_nobody_one() {
        let (told, report) = said(&[("a", &["b"]), ("b", &["a"]), ("c", &["c"]), ("d", &["a", "e"])]);
        assert!(told.is_empty());
        assert_eq!(report.matches("replaced by a record that it replaces itself").count(), 3, "{report}");
        assert!(report.contains("replaced by several records"), "{report}");
    }
}
