//! Every word on a page. The texts are in `text/en.ftl` (Fluent); a template says
//! `{{ "room-patients"|t }}`, Rust says [`say`]. A test holds the two together: a key without a
//! text, or a text without a use, fails.

use std::fmt::Write as _;
use std::sync::LazyLock;

use fluent_bundle::concurrent::FluentBundle;
use fluent_bundle::{FluentArgs, FluentResource, FluentValue};

static ENGLISH: LazyLock<FluentBundle<FluentResource>> = LazyLock::new(|| {
    // A damaged entry is left out and the rest is used; a test refuses the damage itself.
    let resource =
        FluentResource::try_new(include_str!("../text/en.ftl").to_owned()).unwrap_or_else(|(partial, _damage)| partial);
    let mut bundle = FluentBundle::new_concurrent(vec!["en".parse().unwrap_or_default()]);
    // Names are isolated by <bdi> in the templates; marks inside a text would follow it into
    // titles and copied text.
    bundle.set_use_isolating(false);
    bundle.add_resource_overriding(resource);
    bundle
});

/// The languages of the `lang` attribute.
pub const LANGUAGE: &str = "en";

/// What may fill a place in a text. Whole numbers choose plural forms.
pub trait Argument {
    /// The value as Fluent takes it.
    fn argument(&self) -> FluentValue<'_>;
}

impl Argument for str {
    fn argument(&self) -> FluentValue<'_> {
        FluentValue::from(self)
    }
}

impl Argument for String {
    fn argument(&self) -> FluentValue<'_> {
        FluentValue::from(self.as_str())
    }
}

macro_rules! numbers {
    ($($number:ty),+) => {$(
        impl Argument for $number {
            fn argument(&self) -> FluentValue<'_> {
                FluentValue::from(*self)
            }
        }
    )+};
}
numbers!(u8, i8, u16, i16, u32, i32, u64, i64, usize);

impl<T: Argument + ?Sized> Argument for &T {
    fn argument(&self) -> FluentValue<'_> {
        (**self).argument()
    }
}

/// The text of a key that has no places to fill. An unknown key shows itself in double brackets,
/// which the tests refuse.
#[must_use]
pub fn say(key: &str) -> String {
    say_with(key, &[])
}

/// The text of a key, its places filled by name.
#[must_use]
pub fn say_with(key: &str, places: &[(&str, &dyn Argument)]) -> String {
    let Some(pattern) = ENGLISH.get_message(key).and_then(|message| message.value()) else {
        return format!("⟦{key}⟧");
    };
    let mut arguments = FluentArgs::with_capacity(places.len());
    for (name, value) in places {
        arguments.set(*name, value.argument());
    }
    let mut errors = Vec::new();
    let said = ENGLISH.format_pattern(pattern, Some(&arguments), &mut errors);
    if errors.is_empty() { said.into_owned() } else { format!("⟦{key}: {said}⟧") }
}

/// A list in words: "owner, practitioner". Empty for none.
#[must_use]
pub fn list<'a>(words: impl IntoIterator<Item = &'a str>) -> String {
    let mut said = String::new();
    for word in words {
        if said.is_empty() {
            said.push_str(word);
        } else {
            let _ = write!(said, ", {word}");
        }
    }
    said
}

/// The filters of the templates.
#[allow(missing_docs, clippy::inline_always, reason = "the attribute writes items beside each filter")]
pub mod filters {
    use super::Argument;

    /// `"room-today"|t`: the text of a key.
    #[askama::filter_fn]
    pub fn t(key: impl AsRef<str>, _: &dyn askama::Values) -> askama::Result<String> {
        let said = super::say(key.as_ref());
        Ok(said)
    }

    /// `"born-on"|t1("day", value)`: the text of a key with one place.
    #[askama::filter_fn]
    pub fn t1<V: Argument>(
        key: impl AsRef<str>,
        _: &dyn askama::Values,
        name: &str,
        value: V,
    ) -> askama::Result<String> {
        let said = super::say_with(key.as_ref(), &[(name, &value)]);
        Ok(said)
    }

    /// `"moment-spoken"|t2("day", value, "time", value)`: the text of a key with two places.
    #[askama::filter_fn]
    pub fn t2<V: Argument, W: Argument>(
        key: impl AsRef<str>,
        _: &dyn askama::Values,
        name: &str,
        value: V,
        second: &str,
        other: W,
    ) -> askama::Result<String> {
        let said = super::say_with(key.as_ref(), &[(name, &value), (second, &other)]);
        Ok(said)
    }

    /// `"app.css"|asset`: the address of an embedded file, with its content hash.
    #[askama::filter_fn]
    pub fn asset(name: impl AsRef<str>, _: &dyn askama::Values) -> askama::Result<&'static str> {
        let address = crate::assets::address(name.as_ref());
        Ok(address)
    }
}

/// A size as people say it, in units of 1024.
pub(crate) fn size(bytes: u64) -> String {
    const KILO: u64 = 1024;
    const MEGA: u64 = KILO * KILO;
    const GIGA: u64 = MEGA * KILO;
    let tenths = |unit: u64| {
        let (whole, tenth) = (bytes / unit, bytes % unit * 10 / unit);
        if whole >= 10 || tenth == 0 { whole.to_string() } else { format!("{whole}.{tenth}") }
    };
    match bytes {
        GIGA.. => say_with("size-gigabytes", &[("size", &tenths(GIGA))]),
        MEGA.. => say_with("size-megabytes", &[("size", &tenths(MEGA))]),
        KILO.. => say_with("size-kilobytes", &[("size", &tenths(KILO))]),
        _ => say_with("size-bytes", &[("count", &bytes)]),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::path::Path;

    use fluent_syntax_keys::keys;

    use super::*;

    /// The keys of the Fluent file, read from its lines: a message begins in the first column.
    mod fluent_syntax_keys {
        pub(super) fn keys(file: &str) -> Vec<&str> {
            file.lines()
                .filter(|line| line.starts_with(|c: char| c.is_ascii_lowercase()))
                .filter_map(|line| line.split_once(" ="))
                .map(|(key, _)| key.trim())
                .collect()
        }
    }

    fn gather(folder: &Path, ending: &str, into: &mut String) {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                gather(&path, ending, into);
            } else if path.extension().is_some_and(|e| e == ending) {
                into.push_str(&std::fs::read_to_string(&path).unwrap());
                into.push('\n');
            }
        }
    }

    fn root() -> &'static Path {
        Path::new(env!("CARGO_MANIFEST_DIR"))
    }

    fn templates() -> String {
        let mut all = String::new();
        gather(&root().join("templates"), "html", &mut all);
        all
    }

    fn rust() -> String {
        let mut all = String::new();
        gather(&root().join("src"), "rs", &mut all);
        all
    }

    fn literals(source: &str) -> BTreeSet<&str> {
        source.split('"').filter(|piece| !piece.is_empty() && piece.len() < 80).collect()
    }

    #[test]
    fn the_english_texts_are_well_formed_and_no_key_is_written_twice() {
        let file = include_str!("../text/en.ftl");
        assert!(FluentResource::try_new(file.to_owned()).is_ok());
        let all = keys(file);
        let once: BTreeSet<_> = all.iter().collect();
        assert_eq!(all.len(), once.len());
    }

    #[test]
    fn every_text_is_used_somewhere() {
        let source = templates() + &rust();
        let used = literals(&source);
        let unused: Vec<_> =
            keys(include_str!("../text/en.ftl")).into_iter().filter(|key| !used.contains(key)).collect();
        assert!(unused.is_empty(), "texts without a use: {unused:#?}");
    }

    #[test]
    fn every_key_a_template_or_a_handler_asks_for_has_a_text() {
        let known: BTreeSet<_> = keys(include_str!("../text/en.ftl")).into_iter().collect();
        let (templates, rust) = (templates(), rust());
        let mut unknown = BTreeSet::new();
        for marker in ["\"|t }}", "\"|t1(", "\"|t2("] {
            for (end, _) in templates.match_indices(marker) {
                unknown.insert(templates[..end].rsplit('"').next().unwrap());
            }
        }
        for marker in ["say(\"", "say_with(\""] {
            for (start, _) in rust.match_indices(marker) {
                unknown.insert(rust[start + marker.len()..].split('"').next().unwrap());
            }
        }
        unknown.retain(|key| !known.contains(key) && *key != "no-such-key");
        assert!(unknown.is_empty(), "keys without a text: {unknown:#?}");
    }

    #[test]
    fn an_unknown_key_shows_itself_in_brackets() {
        assert_eq!(say("no-such-key"), "⟦no-such-key⟧");
    }

    #[test]
    fn a_count_chooses_its_plural() {
        assert_eq!(say_with("patients-count", &[("count", &1_u32)]), "1 patient");
        assert_eq!(say_with("patients-count", &[("count", &4_u32)]), "4 patients");
    }
}
