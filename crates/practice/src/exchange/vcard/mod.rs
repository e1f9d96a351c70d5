//! Reading vCards: 3.0 (RFC 2426) and 4.0 (RFC 6350), and 2.1 with its quoted-printable, since telephones
//! still write it; many cards in a file. Pure: bytes in, typed patients or reasons out.
//!
//! How a card becomes a patient: `lines` reads the file as UTF-8 and unfolds it, with a limit on each line
//! → `property` takes a line apart into name, parameters and value → `card` puts the values where they go →
//! what comes out is what a line of FHIR gives ([`super::fhir::Line`]), so the rest of an import is the same.
//!
//! A reader of our own, since the kept crate for it (calcard) comes with a second library for dates, all
//! time zones of the world and a parser for mail, to read what is ten properties here.

mod card;
mod lines;
mod property;

use std::collections::VecDeque;
use std::io::{self, BufRead};
use std::sync::Arc;

use jiff::civil::Date;

use super::csv::Utf8;
use super::fhir::{Line, Reject, Report};
use super::gathered;
use card::Card;
pub use card::LeftOut;
use lines::{Cut, Unfolded};
use property::Property;

/// The most properties of one card.
pub const PROPERTIES_MAX: usize = 1_000;

/// Reads cards one after the other. Memory: one card.
pub struct Cards<R> {
    file: Arc<str>,
    lines: Unfolded<Utf8<R>>,
    left_out: Arc<LeftOut>,
    today: Date,
    waiting: VecDeque<Line>,
}

/// A card while it is read.
struct Open {
    /// Where it begins.
    number: u64,
    properties: Vec<Property>,
    /// Why it is not taken.
    bad: Option<Reject>,
    /// Cards within it (the AGENT of version 3.0).
    inside: u32,
}

impl<R: BufRead> Cards<R> {
    /// A reader at the start of a file; what it left out is counted in `left_out`.
    pub fn new(file: &str, input: Utf8<R>, left_out: Arc<LeftOut>, today: Date) -> Self {
        Self { file: file.into(), lines: Unfolded::new(input), left_out, today, waiting: VecDeque::new() }
    }

    fn give(&mut self, number: u64, found: Vec<Result<(super::fhir::Head, super::fhir::Resource), Reject>>) {
        let end = self.lines.input().taken();
        self.waiting.extend(gathered::lines(&self.file, number, end, found));
    }

    /// Reads to the end of the next card; false at the end of the file.
    fn card(&mut self) -> io::Result<bool> {
        let reject = |reason: &'static str| Reject { field: "line".to_owned(), reason: reason.into() };
        let mut open: Option<Open> = None;
        while let Some(cut) = self.lines.advance()? {
            let number = self.lines.number();
            let line = match cut {
                Cut::Line(line) if line.trim().is_empty() => continue,
                Cut::Line(line) => line,
                Cut::Bad(reason) => {
                    let Some(card) = &mut open else {
                        self.give(number, vec![Err(reject(reason))]);
                        return Ok(true);
                    };
                    card.bad = card.bad.take().or_else(|| Some(reject(reason)));
                    continue;
                }
            };
            let property = Property::parse(&line);
            let is = |name: &str| {
                property.as_ref().is_some_and(|p| p.name == name && p.raw.trim().eq_ignore_ascii_case("VCARD"))
            };
            let (begins, ends) = (is("BEGIN"), is("END"));
            match &mut open {
                None if begins => {
                    open = Some(Open { number, properties: Vec::new(), bad: None, inside: 0 });
                }
                None => {
                    self.give(number, vec![Err(reject("stands outside of any card: BEGIN:VCARD is missing"))]);
                    return Ok(true);
                }
                Some(card) if begins => card.inside += 1,
                Some(card) if ends && card.inside > 0 => card.inside -= 1,
                Some(_) if ends => break,
                Some(card) if card.inside > 0 => {}
                Some(card) => match property {
                    Some(_) if card.properties.len() >= PROPERTIES_MAX => {
                        card.bad = Some(reject("is a card of more than 1000 properties"));
                    }
                    Some(property) => card.properties.push(property),
                    None => card.bad = card.bad.take().or_else(|| Some(reject("is no line of a vCard"))),
                },
            }
        }
        let Some(card) = open else { return Ok(false) };
        let found = match card.bad {
            Some(problem) => vec![Err(problem)],
            None => Card { properties: &card.properties, left_out: &self.left_out }.patient(self.today),
        };
        self.give(card.number, found);
        Ok(true)
    }
}

impl<R: BufRead> Iterator for Cards<R> {
    type Item = io::Result<Line>;

    /// What the next card gives; its number is that of the line on which the card begins.
    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if let Some(line) = self.waiting.pop_front() {
                return Some(Ok(line));
            }
            match self.card() {
                Err(error) => return Some(Err(error)),
                Ok(true) => {}
                Ok(false) => return None,
            }
        }
    }
}

impl LeftOut {
    /// Says in a report which properties were not given a field.
    pub fn report(&self, file: &str, report: &mut Report) {
        self.say(file, report);
    }
}

#[cfg(test)]
mod tests;
