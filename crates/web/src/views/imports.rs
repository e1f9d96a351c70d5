//! Bringing records in: the imports, one of them, the columns of a table, what it came to, taking it back.

use askama::Template;

use super::form::{Choice, Errors, Guard};
use super::shell::{Pager, Shell};
use super::when::Moment;
#[allow(unused_imports, reason = "the templates name the filters")]
use crate::text::filters;

/// A label and what stands beside it.
#[derive(Debug, Clone)]
pub struct Fact {
    /// What it is.
    pub label: String,
    /// What is known of it.
    pub value: String,
}

/// An import in the list.
#[derive(Debug, Clone)]
pub struct ImportRow {
    /// Its page, where there is one.
    pub link: Option<String>,
    /// Names of its files, or that the host brought it in.
    pub what: String,
    /// Where the files come from.
    pub source: String,
    /// Who sent it.
    pub by: String,
    /// When it began.
    pub began: Moment,
    /// Where it is, in words.
    pub state: String,
    /// Whether that needs somebody.
    pub caution: bool,
    /// What it came to, in words.
    pub counts: String,
    /// The page that takes it back, where that is offered.
    pub undo: Option<String>,
}

/// `GET /practice/import`. Links to `/practice/import/new`.
#[derive(Debug, Clone, Template)]
#[template(path = "import/list.html")]
pub struct Imports {
    /// Round the page.
    pub shell: Shell,
    /// Newest first.
    pub rows: Vec<ImportRow>,
}

/// `GET /practice/import/new`; posts to the same address, as `multipart/form-data`.
///
/// Fields: `files` (several files).
#[derive(Debug, Clone, Template)]
#[template(path = "import/new.html")]
pub struct NewImport {
    /// Round the page.
    pub shell: Shell,
    /// Of the form. Comes before the files, so that it is looked at before anything is kept.
    pub guard: Guard,
    /// What is wrong.
    pub errors: Errors,
    /// The largest file, in words.
    pub file_max: String,
    /// The most of a practice, in words.
    pub practice_max: String,
}

/// A button of an import that is under way.
#[derive(Debug, Clone)]
pub struct Act {
    /// Of its form.
    pub guard: Guard,
    /// What it sends as `wish`.
    pub wish: &'static str,
    /// Its words.
    pub label: String,
    /// Whether it ends something.
    pub danger: bool,
}

/// How far an import is.
#[derive(Debug, Clone)]
pub struct Progress {
    /// What is being done.
    pub title: String,
    /// How far it is, in words.
    pub said: String,
    /// Bytes done.
    pub done: i64,
    /// Bytes in all; 0 where it is not counted.
    pub whole: i64,
    /// Whether it goes on by itself.
    pub live: bool,
    /// What the page shows, so that the answer can tell when it is something else.
    pub seen: String,
    /// What can be done.
    pub acts: Vec<Act>,
}

/// What trying an import or bringing it in came to, in short.
#[derive(Debug, Clone)]
pub struct ShortReport {
    /// `try` or `done`.
    pub which: &'static str,
    /// What it is.
    pub title: String,
    /// The counts.
    pub facts: Vec<Fact>,
}

/// What can be done next.
#[derive(Debug, Clone)]
#[allow(clippy::struct_excessive_bools, reason = "what a page offers is yes or no, one by one")]
pub struct Next {
    /// In a sentence.
    pub lead: String,
    /// The page of the columns, of a table.
    pub columns: Option<String>,
    /// Whether that is the thing to do.
    pub columns_first: bool,
    /// `POST .../check`.
    pub check: Option<Guard>,
    /// Whether that is the thing to do.
    pub check_first: bool,
    /// `POST .../bring-in`.
    pub bring: Option<Guard>,
    /// Whether that is the thing to do.
    pub bring_first: bool,
}

/// How it is brought in; posts to `.../settings`.
///
/// Fields: `kind`, `source`, `named` (several).
#[derive(Debug, Clone)]
pub struct SettingsForm {
    /// Of the form.
    pub guard: Guard,
    /// Kinds of files.
    pub kinds: Vec<Choice>,
    /// Where the files come from.
    pub source: String,
    /// Who may open restricted records; empty where the files can have none.
    pub named: Vec<Choice>,
}

/// `GET /practice/import/{upload}`.
#[derive(Debug, Clone, Template)]
#[template(path = "import/page.html")]
pub struct ImportPage {
    /// Round the page.
    pub shell: Shell,
    /// What is wrong.
    pub errors: Errors,
    /// Which.
    pub id: String,
    /// Names of its files.
    pub what: String,
    /// Who sent it.
    pub by: String,
    /// When.
    pub began: Moment,
    /// Where it is, in words.
    pub state: String,
    /// Whether that needs somebody.
    pub caution: bool,
    /// What must be put right first.
    pub problem: Option<String>,
    /// How far it is.
    pub progress: Option<Progress>,
    /// What it came to.
    pub reports: Vec<ShortReport>,
    /// What became of taking it back.
    pub undone: Option<String>,
    /// `done` or `caution`.
    pub undone_kind: &'static str,
    /// What can be done next.
    pub next: Option<Next>,
    /// How it is brought in.
    pub settings: Option<SettingsForm>,
    /// Names and sizes.
    pub files: Vec<Fact>,
    /// How long they stay.
    pub kept: String,
    /// `POST .../discard`.
    pub discard: Option<Guard>,
    /// The page that takes it back.
    pub undo: Option<String>,
}

/// A column of a table.
#[derive(Debug, Clone)]
pub struct ColumnRow {
    /// The name of its field.
    pub field: String,
    /// Its name in the file, or its number.
    pub name: String,
    /// Some of its values.
    pub samples: Vec<String>,
    /// Where it could go.
    pub targets: Vec<Choice>,
}

/// A row as it would become a patient.
#[derive(Debug, Clone)]
pub struct PreviewLine {
    /// Where it begins.
    pub line: u64,
    /// The name.
    pub name: String,
    /// The birth date, in words.
    pub birth: String,
    /// Telephones and addresses.
    pub contacts: Vec<String>,
    /// What there is to say of it.
    pub notes: Vec<String>,
    /// Whether it is not taken.
    pub refused: bool,
}

/// `GET /practice/import/{upload}/columns`; posts to the same address, and to `.../preview` for the preview alone.
///
/// Fields: `encoding`, `separator`, `header`, `dates`, `genders`, `column-N`, `act`.
#[derive(Debug, Clone, Template)]
#[template(path = "import/columns.html")]
pub struct Columns {
    /// Round the page.
    pub shell: Shell,
    /// Of the form.
    pub guard: Guard,
    /// What is wrong.
    pub errors: Errors,
    /// Which.
    pub id: String,
    /// Names of its files.
    pub what: String,
    /// Encodings.
    pub encodings: Vec<Choice>,
    /// Separators.
    pub separators: Vec<Choice>,
    /// Whether the first row has names.
    pub headers: Vec<Choice>,
    /// Orders of dates.
    pub dates: Vec<Choice>,
    /// Words for genders, as typed.
    pub genders: String,
    /// The columns.
    pub columns: Vec<ColumnRow>,
    /// Why there is no good preview.
    pub preview_problem: Option<String>,
    /// The first rows.
    pub preview: Vec<PreviewLine>,
}

/// Counts of one type.
#[derive(Debug, Clone)]
pub struct CountRow {
    /// The type.
    pub name: String,
    /// In the order of the heads.
    pub counts: Vec<u64>,
}

/// One line of a report.
#[derive(Debug, Clone)]
pub struct FindingRow {
    /// What happens, in words.
    pub outcome: String,
    /// Whether it is not taken.
    pub caution: bool,
    /// The file.
    pub file: String,
    /// Its line.
    pub line: u64,
    /// Where in it.
    pub field: String,
    /// Why.
    pub reason: String,
}

/// `GET /practice/import/{upload}/report/{which}`.
#[derive(Debug, Clone, Template)]
#[template(path = "import/report.html")]
pub struct ImportReport {
    /// Round the page.
    pub shell: Shell,
    /// Which.
    pub id: String,
    /// `try` or `done`.
    pub which: String,
    /// Names of its files.
    pub what: String,
    /// What it is.
    pub title: String,
    /// When it was written.
    pub written: Moment,
    /// What is counted.
    pub heads: Vec<String>,
    /// By type.
    pub counts: Vec<CountRow>,
    /// Lines in all.
    pub all: u64,
    /// The lines of this page.
    pub rows: Vec<FindingRow>,
    /// That there are more than are kept.
    pub more: Option<String>,
    /// The way through them.
    pub pager: Pager,
}

/// `GET /practice/import/runs/{run}/undo`; posts to the same address.
#[derive(Debug, Clone, Template)]
#[template(path = "import/undo.html")]
pub struct UndoImport {
    /// Round the page.
    pub shell: Shell,
    /// What is wrong.
    pub errors: Errors,
    /// The run.
    pub run: String,
    /// Where to go back to.
    pub back: String,
    /// What it is.
    pub facts: Vec<Fact>,
    /// What would happen, or why it would not.
    pub lines: Vec<String>,
    /// Patients who stand in the way.
    pub patients: Vec<String>,
    /// Nothing where it cannot be taken back.
    pub guard: Option<Guard>,
}

#[cfg(test)]
pub(crate) mod fixture {
    use super::*;
    use crate::views::Room;
    use crate::views::patient::fixture::moment;
    use crate::views::shell::fixture::{guard, shell};

    const ID: &str = "01985f4e-0000-7000-8000-000000000001";

    fn fact(label: &str, value: &str) -> Fact {
        Fact { label: label.into(), value: value.into() }
    }

    pub(crate) fn list() -> Imports {
        let row = ImportRow {
            link: Some(format!("/practice/import/{ID}")),
            what: "Patienten.csv".into(),
            source: "csv".into(),
            by: "Thandi Naidoo".into(),
            began: moment("2026-11-22T12:02:31Z"),
            state: "Brought in".into(),
            caution: false,
            counts: "1204 new, 3 not taken".into(),
            undo: Some(format!("/practice/import/runs/{ID}/undo")),
        };
        Imports { shell: shell(Room::Team), rows: vec![row] }
    }

    pub(crate) fn none() -> Imports {
        Imports { rows: Vec::new(), ..list() }
    }

    pub(crate) fn new() -> NewImport {
        let mut errors = Errors::none();
        errors.add("files", "Choose a file.");
        let (file_max, practice_max) = ("256 MB".into(), "1 GB".into());
        NewImport { shell: shell(Room::Team), guard: guard(), errors, file_max, practice_max }
    }

    pub(crate) fn page() -> ImportPage {
        ImportPage {
            shell: shell(Room::Team),
            errors: Errors::none(),
            id: ID.into(),
            what: "Patienten.csv".into(),
            by: "Thandi Naidoo".into(),
            began: moment("2026-11-22T12:02:31Z"),
            state: "Tried".into(),
            caution: false,
            problem: None,
            progress: None,
            reports: vec![ShortReport {
                which: "try",
                title: "What trying it came to".into(),
                facts: vec![fact("New", "1204"), fact("Not taken", "3")],
            }],
            undone: None,
            undone_kind: "done",
            next: Some(Next {
                lead: "Look at what trying it came to. If it is right, bring it in.".into(),
                columns: Some(format!("/practice/import/{ID}/columns")),
                columns_first: false,
                check: Some(guard()),
                check_first: false,
                bring: Some(guard()),
                bring_first: true,
            }),
            settings: Some(SettingsForm {
                guard: guard(),
                kinds: vec![Choice::new("csv", "A table (CSV)", true)],
                source: "csv".into(),
                named: vec![Choice::new(ID, "Mei Chen", true)],
            }),
            files: vec![fact("Patienten.csv", "3.1 MB")],
            kept: "The files are removed on 29 Nov 2026 at 14:02, or when they are brought in.".into(),
            discard: Some(guard()),
            undo: None,
        }
    }

    pub(crate) fn under_way() -> ImportPage {
        let act = |wish, label: &str, danger| Act { guard: guard(), wish, label: label.into(), danger };
        ImportPage {
            state: "Being brought in".into(),
            progress: Some(Progress {
                title: "Being brought in".into(),
                said: "1.2 MB of 3.1 MB, 480 records".into(),
                done: 1_200,
                whole: 3_100,
                live: true,
                seen: "bringing".into(),
                acts: vec![act("pause", "Pause", false), act("cancel", "End it here", true)],
            }),
            reports: Vec::new(),
            next: None,
            settings: None,
            discard: None,
            ..page()
        }
    }

    pub(crate) fn columns() -> Columns {
        let row = |at: usize, name: &str, sample: &str| ColumnRow {
            field: format!("column-{at}"),
            name: name.into(),
            samples: vec![sample.into()],
            targets: vec![Choice::new("family", "Family name", at == 0), Choice::new("keep", "Keep", at != 0)],
        };
        let line = |line, name: &str, refused| PreviewLine {
            line,
            name: name.into(),
            birth: "3 Apr 1980".into(),
            contacts: vec!["082 555 0143".into()],
            notes: if refused { vec!["column 3 (birth date) is no date".into()] } else { Vec::new() },
            refused,
        };
        Columns {
            shell: shell(Room::Team),
            guard: guard(),
            errors: Errors::none(),
            id: ID.into(),
            what: "Patienten.csv".into(),
            encodings: vec![Choice::new("utf-8", "UTF-8", true)],
            separators: vec![Choice::new("semicolon", "Semicolon", true)],
            headers: vec![Choice::new("yes", "has the names of the columns", true)],
            dates: vec![Choice::new("dmy", "Day first: 22/11/1980", false)],
            genders: "H = male".into(),
            columns: vec![row(0, "Nachname", "Quintal"), row(1, "Kasse", "AOK")],
            preview_problem: Some("Say which it is: day first, month first or year first.".into()),
            preview: vec![line(2, "Ana Quintal", false), line(3, "", true)],
        }
    }

    pub(crate) fn report() -> ImportReport {
        ImportReport {
            shell: shell(Room::Team),
            id: ID.into(),
            which: "try".into(),
            what: "Patienten.csv".into(),
            title: "What trying it came to".into(),
            written: moment("2026-11-22T12:02:31Z"),
            heads: ["New", "Changed", "The same", "Kept", "To look at", "Not taken"].map(str::to_owned).to_vec(),
            counts: vec![CountRow { name: "Patient".into(), counts: vec![1204, 0, 0, 0, 2, 3] }],
            all: 5,
            rows: vec![FindingRow {
                outcome: "Not taken".into(),
                caution: true,
                file: "Patienten.csv".into(),
                line: 17,
                field: "column 3 (birth date)".into(),
                reason: "is no date with the day first".into(),
            }],
            more: Some("4 more lines are counted and not listed.".into()),
            pager: Pager::default(),
        }
    }

    pub(crate) fn undo() -> UndoImport {
        UndoImport {
            shell: shell(Room::Team),
            errors: Errors::none(),
            run: ID.into(),
            back: format!("/practice/import/{ID}"),
            facts: vec![fact("Source", "csv")],
            lines: vec!["1204 patients, 0 entries of records and 0 other resources go away.".into()],
            patients: Vec::new(),
            guard: Some(guard()),
        }
    }

    pub(crate) fn undo_stopped() -> UndoImport {
        UndoImport { patients: vec![ID.into()], guard: None, ..undo() }
    }
}
