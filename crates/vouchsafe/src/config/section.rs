//! Sections of settings. Each setting is declared once: its name, kind, default and meaning. The
//! reader, the errors and docs/configuration.md come from that one line.

use std::fmt::Write as _;
use std::ops::Range;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::values::Value;

/// A setting as it is documented.
pub(super) struct Entry {
    pub(super) key: &'static str,
    pub(super) write: fn() -> String,
    /// As TOML; empty when it is unset.
    pub(super) default: &'static str,
    pub(super) doc: &'static str,
}

/// A section as it is documented.
pub(super) struct About {
    /// Empty for the settings that stand before the first section.
    pub(super) table: &'static str,
    pub(super) doc: &'static str,
    pub(super) entries: &'static [Entry],
}

/// Declares a section. A default is TOML; an empty one means that the setting is unset.
macro_rules! section {
    (
        $(#[doc = $about:literal])+
        struct $name:ident in $table:literal {
            $($(#[doc = $doc:literal])+ $field:ident: $type:ty = $default:literal,)+
        }
    ) => {
        $(#[doc = $about])+
        #[derive(Debug, Clone)]
        #[allow(clippy::struct_field_names, reason = "units last: several limits of one section all end in max")]
        pub(crate) struct $name {
            $($(#[doc = $doc])+ pub(crate) $field: $type,)+
        }

        impl $name {
            const ABOUT: About = About {
                table: $table,
                doc: concat!($($about),+),
                entries: &[$(Entry {
                    key: stringify!($field),
                    write: <$type as Value>::write,
                    default: $default,
                    doc: concat!($($doc),+),
                }),+],
            };

            /// `None` when something was wrong; the reader knows what.
            fn read(reader: &mut Reader<'_>) -> Option<Self> {
                // All are read before the first failure ends it, so that all mistakes are told at once.
                $(let $field = reader.take::<$type>($table, stringify!($field), $default);)+
                Some(Self { $($field: $field?),+ })
            }
        }
    };
}
pub(super) use section;

/// A file of settings being read.
pub(super) struct Reader<'a> {
    text: &'a str,
    table: &'a DeTable<'a>,
    pub(super) wrong: Vec<String>,
}

impl<'a> Reader<'a> {
    pub(super) fn new(text: &'a str, table: &'a DeTable<'a>) -> Self {
        Self { text, table, wrong: Vec::new() }
    }

    /// Notes something wrong with a setting.
    pub(super) fn note(&mut self, key: &str, said: &str) {
        let place = self.found(key).map(Spanned::span);
        let line = place.map(|span| format!("line {}, ", line_of(self.text, &span))).unwrap_or_default();
        self.wrong.push(format!("{line}{key}: {said}"));
    }

    /// The value that stands in the file under `section.key`, or under `key`.
    fn found(&self, full: &str) -> Option<&'a Spanned<DeValue<'a>>> {
        match full.split_once('.') {
            None => self.table.get(full),
            Some((section, key)) => self.table.get(section)?.get_ref().as_table()?.get(key),
        }
    }

    pub(super) fn take<T: Value>(&mut self, section: &str, key: &str, default: &str) -> Option<T> {
        let full = full_name(section, key);
        let Some(found) = self.found(&full) else { return standard(default) };
        let value = T::read(found.get_ref());
        if value.is_none() {
            let shown = self.text.get(found.span()).unwrap_or_default();
            let shown = if T::write().contains("password") { "what is there" } else { shown };
            self.note(&full, &format!("{shown} is not understood; write {}", T::write()));
        }
        value
    }

    /// Notes every section and setting that no [`About`] knows, each with the nearest that exists.
    pub(super) fn refuse_unknown(&mut self, abouts: &[About]) {
        let mut unknown = Vec::new();
        for (name, value) in self.table {
            let name = name.get_ref().as_ref();
            match (abouts.iter().find(|about| about.table == name && !name.is_empty()), value.get_ref().as_table()) {
                (Some(about), Some(table)) => {
                    let keys = table.keys().map(|key| key.get_ref().as_ref());
                    unknown.extend(keys.filter(|key| !about.has(key)).map(|key| (about.table, key)));
                }
                (Some(_), None) => self.note(name, &format!("this is a section; write [{name}] on a line of its own")),
                (None, _) => {
                    if !abouts.iter().any(|about| about.table.is_empty() && about.has(name)) {
                        unknown.push(("", name));
                    }
                }
            }
        }
        for (section, key) in unknown {
            let full = full_name(section, key);
            self.note(&full, &format!("there is no such setting{}", advice(abouts, section, key)));
        }
    }
}

impl About {
    fn has(&self, key: &str) -> bool {
        self.entries.iter().any(|entry| entry.key == key)
    }
}

/// What a setting is when the file does not name it.
pub(super) fn standard<T: Value>(default: &str) -> Option<T> {
    if default.is_empty() {
        return T::unset();
    }
    DeValue::parse(default).ok().and_then(|value| T::read(value.get_ref()))
}

pub(super) fn full_name(section: &str, key: &str) -> String {
    if section.is_empty() { key.to_owned() } else { format!("{section}.{key}") }
}

/// Where a setting that is not known may belong: the same name in another section, or the nearest name.
fn advice(abouts: &[About], section: &str, key: &str) -> String {
    let all = || abouts.iter().flat_map(|about| about.entries.iter().map(move |entry| (about.table, entry.key)));
    if let Some((elsewhere, _)) = all().find(|(_, known)| *known == key) {
        return if elsewhere.is_empty() {
            format!("; `{key}` stands at the top of the file, before the first section")
        } else {
            format!("; `{key}` belongs into the section [{elsewhere}]")
        };
    }
    if let Some(about) = abouts.iter().find(|about| section.is_empty() && distance(about.table, key) <= 2) {
        return format!("; did you mean the section [{}]?", about.table);
    }
    let here = all().filter(|(table, _)| *table == section);
    let near = here.map(|(_, known)| (distance(known, key), known)).min();
    let mut text = match near {
        Some((steps, known)) if steps <= 3 => format!("; did you mean `{}`?", full_name(section, known)),
        _ => String::new(),
    };
    let names: Vec<&str> = all().filter(|(table, _)| *table == section).map(|(_, known)| known).collect();
    let place = if section.is_empty() { "at the top of the file".to_owned() } else { format!("in [{section}]") };
    let _ = write!(text, " (known {place}: {})", names.join(", "));
    text
}

/// How many letters must be added, removed or changed to make one word of the other (Levenshtein).
fn distance(one: &str, other: &str) -> usize {
    let other: Vec<char> = other.chars().collect();
    let mut row: Vec<usize> = (0..=other.len()).collect();
    for (i, a) in one.chars().enumerate() {
        let mut next = vec![i + 1];
        for (j, b) in other.iter().enumerate() {
            let at = |row: &[usize], index: usize| row.get(index).copied().unwrap_or(usize::MAX / 2);
            let changed = at(&row, j) + usize::from(a != *b);
            next.push(changed.min(at(&row, j + 1) + 1).min(at(&next, j) + 1));
        }
        row = next;
    }
    row.last().copied().unwrap_or_default()
}

/// The number of the line where something begins.
pub(super) fn line_of(text: &str, span: &Range<usize>) -> usize {
    text.get(..span.start).unwrap_or_default().matches('\n').count() + 1
}
