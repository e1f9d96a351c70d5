//! The clinical record: a list with filters, and one entry.

use askama::Template;

use super::form::{Choice, Errors, Guard};
use super::patient::Banner;
use super::shell::{Pager, Shell};
use super::when::{Day, Moment};
use super::write::What;
#[allow(unused_imports, reason = "the templates name the filters")]
use crate::text::filters;

/// One entry in a list. A damaged one has an id and nothing else that can be trusted.
#[derive(Debug, Clone)]
pub struct EntryRow {
    /// The entry's id.
    pub id: String,
    /// A code of the kinds, or the type of a resource that is kept as it came.
    pub kind: String,
    /// The kind in words.
    pub kind_label: String,
    /// What it is; `None` when it is damaged.
    pub title: Option<String>,
    /// "active", "stopped"; `None` when unknown.
    pub status: Option<String>,
    /// What was measured: "120/80 mmHg".
    pub value: Option<String>,
    /// What whoever measured makes of it: "High".
    pub flag: Option<String>,
    /// When it happened or was written.
    pub when: Option<Day>,
    /// Who wrote it, as the source says.
    pub author: Option<String>,
    /// The source took it back: it was entered in error.
    pub in_error: bool,
}

/// The entries of a year.
#[derive(Debug, Clone)]
pub struct YearOfEntries {
    /// The year; empty for what has no date.
    pub year: String,
    /// Newest first.
    pub rows: Vec<EntryRow>,
}

/// A way to a year.
#[derive(Debug, Clone)]
pub struct Year {
    /// The year.
    pub year: String,
    /// The same list, narrowed to it.
    pub address: String,
    /// Whether it is the one that is shown.
    pub chosen: bool,
}

/// `GET /patients/{id}/record?kind=&from=&to=&sought=&after=`, and what its form is answered where something is
/// to be put right. The form posts, so that words stand in no address.
///
/// Fields: `kind` (any number of them; none for all), `from`, `to` (dates in the practice's order), `words`.
#[derive(Debug, Clone, Template)]
#[template(path = "patient/record.html")]
pub struct Record {
    /// Round the page.
    pub shell: Shell,
    /// Who it is.
    pub banner: Banner,
    /// Hidden fields of the filter.
    pub guard: Guard,
    /// The kinds that the record has, each with its count in the label.
    pub kinds: Vec<Choice>,
    /// As typed.
    pub from: String,
    /// As typed.
    pub to: String,
    /// As typed.
    pub words: String,
    /// How a date is typed here, by example.
    pub date_example: String,
    /// The years in which anything happened, newest first.
    pub years: Vec<Year>,
    /// What narrows the list, in words, for paper; empty for nothing.
    pub narrowed: String,
    /// That older entries have not been examined yet.
    pub stopped: bool,
    /// That there are measurements to be drawn.
    pub measured: bool,
    /// What may be written by hand; nothing for whoever may not.
    pub writes: Vec<What>,
    /// What to put right.
    pub errors: Errors,
    /// The entries of this page, newest first, under their years.
    pub entries: Vec<YearOfEntries>,
    /// The way through.
    pub pager: Pager,
}

impl Record {
    /// Whether a filter narrows the list.
    #[must_use]
    pub fn is_filtered(&self) -> bool {
        let typed = [&self.from, &self.to, &self.words].iter().any(|typed| !typed.is_empty());
        typed || self.kinds.iter().any(|kind| kind.chosen)
    }
}

/// A label and its value.
#[derive(Debug, Clone)]
pub struct Fact {
    /// The label, in words.
    pub label: String,
    /// The value.
    pub value: String,
}

/// A part of an entry: a remark, or an attached file.
#[derive(Debug, Clone)]
pub struct Part {
    /// Its title; empty for none.
    pub title: String,
    /// Its text as it is, line breaks kept.
    pub text: Option<String>,
    /// Why there is no text, in a sentence; empty for none.
    pub unread: String,
}

/// One thing that was measured or found.
#[derive(Debug, Clone)]
pub struct Measured {
    /// What.
    pub name: String,
    /// The value with its unit, or why there is none.
    pub value: String,
    /// What whoever measured makes of it; empty for nothing.
    pub flag: String,
    /// What is usual; empty where the source does not say.
    pub usual: String,
}

/// What an entry holds.
#[derive(Debug, Clone)]
pub enum EntryBody {
    /// These parts; none where the facts are everything.
    Open(Vec<Part>),
    /// A kind that is kept whole until its own room is built.
    Kept,
    /// The ciphertext did not open: nothing of it is shown.
    Damaged,
}

/// `GET /patients/{id}/record/{entry}`.
#[derive(Debug, Clone, Template)]
#[template(path = "patient/entry.html")]
pub struct Entry {
    /// Round the page.
    pub shell: Shell,
    /// Who it is.
    pub banner: Banner,
    /// The row it has in the list.
    pub row: EntryRow,
    /// The facts beside the note: status, dates, author, source, codes.
    pub facts: Vec<Fact>,
    /// What was measured, a row each.
    pub readings: Vec<Measured>,
    /// Whether changing it is offered.
    pub may_change: bool,
    /// What it holds.
    pub body: EntryBody,
    /// Recorded as opened now.
    pub seen: Option<Moment>,
}

impl Entry {
    /// Whether it is said of any reading what is usual.
    #[must_use]
    pub fn has_usual(&self) -> bool {
        self.readings.iter().any(|reading| !reading.usual.is_empty())
    }
}

#[cfg(test)]
pub(crate) mod fixture {
    use jiff::civil::date;

    use super::*;
    use crate::views::patient::Tab;
    use crate::views::patient::fixture::{banner, moment};
    use crate::views::shell::Room;
    use crate::views::shell::fixture::{guard, shell};

    pub(crate) fn row(id: &str, kind: &str, title: &str, status: Option<&str>, on: (i16, i8, i8)) -> EntryRow {
        EntryRow {
            id: id.into(),
            kind: kind.into(),
            kind_label: crate::views::words::entry(kind),
            title: Some(title.into()),
            status: status.map(str::to_owned),
            value: None,
            flag: None,
            when: Some(Day::of(date(on.0, on.1, on.2))),
            author: Some("Dr Liane Kunze".into()),
            in_error: false,
        }
    }

    pub(crate) fn rows() -> Vec<EntryRow> {
        let mut rows = vec![
            row("e1", "document", "History and physical note", Some("current"), (2026, 11, 3)),
            row("e2", "medication", "Lisinopril 10 mg oral tablet", Some("active"), (2026, 8, 14)),
            row("e3", "medication", "Metformin 500 mg oral tablet", Some("active"), (2026, 8, 14)),
            row("e4", "document", "Evaluation and plan note", Some("current"), (2026, 8, 14)),
            row("01985f4e-0000-7000-8000-00000000d00d", "document", "", None, (2026, 2, 9)),
            row("e6", "problem", "Type 2 diabetes mellitus", Some("active"), (2023, 9, 18)),
            row("e7", "allergy", "Penicillin", Some("active"), (2022, 1, 31)),
            row("e8", "problem", "Essential hypertension", Some("active"), (2021, 5, 3)),
            row("e9", "problem", "Acute viral pharyngitis", Some("resolved"), (2019, 6, 12)),
        ];
        let damaged = &mut rows[4];
        (damaged.title, damaged.when, damaged.author) = (None, None, None);
        rows[8].in_error = true;
        rows
    }

    pub(crate) fn record() -> Record {
        Record {
            shell: shell(Room::Patients),
            banner: banner(Tab::Record),
            guard: guard(),
            kinds: [("problem", 14), ("medication", 22), ("allergy", 2), ("document", 79)]
                .into_iter()
                .map(|(k, n)| Choice::new(k, crate::views::words::entries_counted(k, n), false))
                .collect(),
            from: String::new(),
            to: String::new(),
            words: String::new(),
            date_example: "07/03/1984".into(),
            years: ["2026", "2023", "2022", "2021", "2019"]
                .map(|year| Year { year: year.into(), address: format!("?from=01/01/{year}"), chosen: false })
                .to_vec(),
            narrowed: String::new(),
            stopped: false,
            measured: true,
            writes: What::ALL.to_vec(),
            errors: Errors::none(),
            entries: vec![
                YearOfEntries { year: "2026".into(), rows: rows()[..5].to_vec() },
                YearOfEntries { year: "2023".into(), rows: rows()[5..].to_vec() },
            ],
            pager: Pager { first: 1, last: 9, total: Some(117), previous: None, next: Some("?page=2".into()) },
        }
    }

    pub(crate) fn record_without_rows() -> Record {
        Record { entries: Vec::new(), from: "01/01/2026".into(), pager: Pager::default(), ..record() }
    }

    pub(crate) fn record_searched() -> Record {
        let stopped = Record { words: "knee".into(), narrowed: "words “knee”".into(), stopped: true, ..record() };
        Record { pager: Pager { next: Some("?sought=AQID&after=x".into()), ..Pager::default() }, ..stopped }
    }

    pub(crate) fn entry() -> Entry {
        let note = "Chief complaint\nHeadache, three days.\n\nHistory of present illness\nLindiwe is a 42 year old \
                    woman with a headache that began on Friday evening. It is worse in the morning and better with \
                    paracetamol. No visual disturbance, no vomiting, no fever.\n\nSocial history\nTeaches at a primary \
                    school. Does not smoke.\n\nAssessment and plan\nTension-type headache. Blood pressure 146/92 on two \
                    readings: continue lisinopril 10 mg, repeat in two weeks.";
        Entry {
            shell: shell(Room::Patients),
            banner: banner(Tab::Record),
            row: rows().remove(0),
            facts: vec![
                Fact { label: "Status".into(), value: "current".into() },
                Fact { label: "Author".into(), value: "Dr Liane Kunze".into() },
                Fact { label: "Kept by".into(), value: "Overland Park Regional Medical Centre".into() },
                Fact { label: "Type".into(), value: "LOINC 34117-2".into() },
            ],
            readings: Vec::new(),
            may_change: true,
            body: EntryBody::Open(vec![
                Part { title: String::new(), text: Some(note.into()), unread: String::new() },
                Part {
                    title: "Photograph".into(),
                    text: None,
                    unread: "This file is kept and is not text: it cannot be read here.".into(),
                },
            ]),
            seen: Some(moment("2026-11-22T12:02:31Z")),
        }
    }

    pub(crate) fn measured() -> Entry {
        let reading = |name: &str, value: &str, flag: &str| Measured {
            name: name.into(),
            value: value.into(),
            flag: flag.into(),
            usual: "at most 130 mmHg".into(),
        };
        let row = EntryRow {
            value: Some("146/92 mmHg".into()),
            flag: Some("High".into()),
            ..row("e9", "observation", "Blood pressure", Some("final"), (2026, 11, 3))
        };
        let readings = vec![
            reading("Systolic blood pressure", "146 mmHg", "High"),
            reading("Diastolic blood pressure", "92 mmHg", ""),
        ];
        Entry { row, readings, body: EntryBody::Open(Vec::new()), ..entry() }
    }

    pub(crate) fn damaged_entry() -> Entry {
        Entry { row: rows().remove(4), facts: Vec::new(), body: EntryBody::Damaged, may_change: false, ..entry() }
    }
}
