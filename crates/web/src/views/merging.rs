//! Two records of one person: finding the other, looking at both, making them one, and two again.

use askama::Template;

use super::form::{Errors, Guard};
use super::patient::Banner;
use super::patients::Hit;
use super::shell::Shell;
use super::when::Moment;
#[allow(unused_imports, reason = "the templates name the filters")]
use crate::text::filters;

/// `GET /patients/{id}/alike`: who else it may be; the patient's page fetches its section.
#[derive(Debug, Clone, Template)]
#[template(path = "patient/alike.html")]
pub struct Alike {
    /// Round the page.
    pub shell: Shell,
    /// The patient's id.
    pub id: String,
    /// Patients who may be the same person.
    pub hits: Vec<Hit>,
}

/// `GET /patients/{id}/merge?q=`: which other record is of the same person.
///
/// Fields: `q`.
#[derive(Debug, Clone, Template)]
#[template(path = "patient/merge_find.html")]
pub struct MergeFind {
    /// Round the page.
    pub shell: Shell,
    /// Who it is.
    pub banner: Banner,
    /// The patient's name, repeated.
    pub name: String,
    /// As typed.
    pub q: String,
    /// What was found; nothing where nothing was typed.
    pub found: Option<Vec<Hit>>,
}

/// A field in which two records differ.
#[derive(Debug, Clone)]
pub struct Differing {
    /// Its name in the form.
    pub field: String,
    /// In words.
    pub label: String,
    /// What the record says that stands.
    pub here: String,
    /// What the other says.
    pub there: String,
    /// Whether the other's is chosen.
    pub other: bool,
}

/// A list that both records have, united.
#[derive(Debug, Clone)]
pub struct United {
    /// What is in it.
    pub label: String,
    /// What the record has that stands.
    pub here: Vec<String>,
    /// What comes along.
    pub there: Vec<String>,
}

/// `GET /patients/{id}/merge/{other}`; also the answer to what was refused.
///
/// Fields: a field's name (`this` or `other`), `into`, `from` (hidden: the versions).
#[derive(Debug, Clone, Template)]
#[template(path = "patient/merge.html")]
pub struct Compare {
    /// Round the page.
    pub shell: Shell,
    /// The record that stands.
    pub banner: Banner,
    /// Hidden fields.
    pub guard: Guard,
    /// What stands in the way.
    pub errors: Errors,
    /// The other's id.
    pub other: String,
    /// The name in the record that stands.
    pub name: String,
    /// The name in the other.
    pub other_name: String,
    /// The version of the one that stands.
    pub into: String,
    /// The version of the other.
    pub from: String,
    /// Where they differ.
    pub differing: Vec<Differing>,
    /// What is united.
    pub united: Vec<United>,
    /// How many entries come along; nothing where the roles do not read the clinical record.
    pub entries: Option<u64>,
    /// What is to be known beforehand, in sentences.
    pub notes: Vec<String>,
}

/// One merge in the list.
#[derive(Debug, Clone)]
pub struct MergedRow {
    /// Its id.
    pub id: String,
    /// The name in the record that was merged away.
    pub name: String,
    /// When.
    pub at: Moment,
    /// Whether it can be taken back as things stand.
    pub direct: bool,
}

/// `GET /patients/{id}/merges`.
#[derive(Debug, Clone, Template)]
#[template(path = "patient/merges.html")]
pub struct Merges {
    /// Round the page.
    pub shell: Shell,
    /// The patient's id.
    pub id: String,
    /// The patient's name.
    pub name: String,
    /// The last first.
    pub rows: Vec<MergedRow>,
}

/// `GET /patients/{id}/merges/{merge}/undo`; also the answer to what was refused.
///
/// Fields: `version` (hidden).
#[derive(Debug, Clone, Template)]
#[template(path = "patient/unmerge.html")]
pub struct Unmerge {
    /// Round the page.
    pub shell: Shell,
    /// Hidden fields.
    pub guard: Guard,
    /// What stands in the way.
    pub errors: Errors,
    /// The patient's id.
    pub id: String,
    /// The merge's id.
    pub merge: String,
    /// The name in the record that stands.
    pub name: String,
    /// The name in the other.
    pub other_name: String,
    /// When they were made one.
    pub at: Moment,
    /// The version of the record that stands.
    pub version: String,
    /// What goes back, and what stays: in sentences.
    pub notes: Vec<String>,
}

#[cfg(test)]
pub(crate) mod fixture {
    use super::*;
    use crate::views::patient::Tab;
    use crate::views::patient::fixture::{banner, moment};
    use crate::views::patients::fixture::hits;
    use crate::views::shell::Room;
    use crate::views::shell::fixture::{guard, shell};

    pub(crate) fn find() -> MergeFind {
        MergeFind {
            shell: shell(Room::Patients),
            banner: banner(Tab::Aside),
            name: "Lindiwe Mokoena".into(),
            q: "mok".into(),
            found: Some(hits()),
        }
    }

    pub(crate) fn alike(hits: Vec<Hit>) -> Alike {
        Alike { shell: shell(Room::Patients), id: "01985f4e-0000-7000-8000-000000000001".into(), hits }
    }

    pub(crate) fn somebody() -> Alike {
        alike(hits())
    }

    pub(crate) fn find_first() -> MergeFind {
        MergeFind { q: String::new(), found: None, ..find() }
    }

    pub(crate) fn compare() -> Compare {
        Compare {
            shell: shell(Room::Patients),
            banner: banner(Tab::Aside),
            guard: guard(),
            errors: Errors::none(),
            other: "01985f4e-0000-7000-8000-000000000002".into(),
            name: "Lindiwe Grace Mokoena".into(),
            other_name: "Lindi Mokoena".into(),
            into: "3".into(),
            from: "1".into(),
            differing: vec![
                Differing {
                    field: "names".into(),
                    label: "Names".into(),
                    here: "Lindiwe Grace Mokoena".into(),
                    there: "Lindi Mokoena".into(),
                    other: false,
                },
                Differing {
                    field: "birth".into(),
                    label: "Birth date".into(),
                    here: "Nothing".into(),
                    there: "7 Mar 1984".into(),
                    other: true,
                },
            ],
            united: vec![United {
                label: "Phone".into(),
                here: vec!["082 555 0143".into()],
                there: vec!["021 555 0170".into()],
            }],
            entries: Some(14),
            notes: vec!["Afterwards only those may open the record who might open the restricted one.".into()],
        }
    }

    pub(crate) fn merges() -> Merges {
        Merges {
            shell: shell(Room::Patients),
            id: "01985f4e-0000-7000-8000-000000000001".into(),
            name: "Lindiwe Grace Mokoena".into(),
            rows: vec![
                MergedRow {
                    id: "m1".into(),
                    name: "Lindi Mokoena".into(),
                    at: moment("2026-11-22T12:02:31Z"),
                    direct: true,
                },
                MergedRow {
                    id: "m2".into(),
                    name: "L. Mokoena".into(),
                    at: moment("2026-11-20T12:02:31Z"),
                    direct: false,
                },
            ],
        }
    }

    pub(crate) fn unmerge() -> Unmerge {
        Unmerge {
            shell: shell(Room::Patients),
            guard: guard(),
            errors: Errors::none(),
            id: "01985f4e-0000-7000-8000-000000000001".into(),
            merge: "m1".into(),
            name: "Lindiwe Grace Mokoena".into(),
            other_name: "Lindi Mokoena".into(),
            at: moment("2026-11-22T12:02:31Z"),
            version: "4".into(),
            notes: vec!["Names: back to what they were.".into(), "3 entries that were written since stay here.".into()],
        }
    }
}
