//! The timeline of a record: one list over all kinds of entries, newest first, narrowed by kind, by date and
//! by words.
//!
//! Kinds are clear, so PostgreSQL narrows by them. Dates and words are not left to it: the clear moment of an
//! entry is only its order (a day without a time of day has none that would hold everywhere), and words
//! never get a clear index. Both are examined inside the transaction, on opened entries of which nothing but
//! ids comes out, a bounded number for each request.

pub mod reads;
pub mod sought;

use jiff::civil::Date;
use kernel::EntryId;
use seal::normalise;

use super::model::{EntryBody, EntryKind, Moment};
use super::rows::{Entry, EntryLine};

/// The longest text that can be looked for, in characters.
pub const WORDS_CHARS_MAX: usize = 200;
/// How many words of it are looked for.
const WORDS_MAX: usize = 10;

/// Which entries of a record to show.
#[derive(Debug, Clone, Default)]
pub struct EntryFilter {
    /// Of one of these kinds; of any, and of what has no kind yet, where it is empty.
    pub kinds: Vec<EntryKind>,
    /// That may have happened on this day or later, by the date that is shown with them.
    pub from: Option<Date>,
    /// That may have happened on this day or before.
    pub to: Option<Date>,
    /// That say every one of these words, in their title or anywhere in their text.
    pub words: Words,
    /// That stand after this one: the last of the page before.
    pub after: Option<EntryId>,
}

impl EntryFilter {
    /// What the log says of a reading: by what the list was narrowed, and not to what.
    #[must_use]
    pub fn field(&self) -> Option<String> {
        let dated = self.from.is_some() || self.to.is_some();
        let narrowed = [("kind", !self.kinds.is_empty()), ("date", dated), ("words", !self.words.is_empty())];
        let narrowed: Vec<&str> = narrowed.into_iter().filter(|(_, by)| *by).map(|(name, _)| name).collect();
        (!narrowed.is_empty()).then(|| format!("{FILTERED}{}", narrowed.join("+")))
    }

    /// Whether entries have to be opened to know which are meant.
    fn is_examined(&self) -> bool {
        self.from.is_some() || self.to.is_some() || !self.words.is_empty()
    }

    /// Whether something that is shown with this date may have happened in the time that was asked for.
    fn is_in_time(&self, when: Option<&Moment>) -> bool {
        if self.from.is_none() && self.to.is_none() {
            return true;
        }
        let Some((first, last)) = when.map(|moment| moment.date().span()) else { return false };
        self.from.is_none_or(|from| last >= from) && self.to.is_none_or(|to| first <= to)
    }
}

/// What the field of an event begins with that tells by what a record was narrowed.
pub const FILTERED: &str = "timeline:";

/// Words to look for, folded as names are: case, accents and the ways to write a digit make no difference.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Words(Vec<String>);

super::model::personal!(Words);

impl Words {
    /// The words of what somebody typed.
    #[must_use]
    pub fn typed(text: &str) -> Self {
        let text: String = text.chars().take(WORDS_CHARS_MAX).collect();
        Self(normalise::prose(&text).split_whitespace().take(WORDS_MAX).map(str::to_owned).collect())
    }

    /// Whether nothing is looked for.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether each of them stands somewhere in these texts.
    fn are_in<'t>(&self, texts: impl Iterator<Item = &'t str>) -> bool {
        let mut missing: Vec<&str> = self.0.iter().map(String::as_str).collect();
        for text in texts {
            if missing.is_empty() {
                break;
            }
            let text = normalise::prose(text);
            missing.retain(|word| !text.contains(word));
        }
        missing.is_empty()
    }
}

/// Whether a line of the list is meant, as far as the line tells.
fn line_is_meant(line: &EntryLine, filter: &EntryFilter) -> Option<()> {
    filter.is_in_time(line.summary.when.as_ref()).then_some(())
}

/// Whether an entry is meant: by its date, its title and all that it says.
fn entry_is_meant(entry: &Entry, filter: &EntryFilter) -> Option<()> {
    if !filter.is_in_time(entry.summary.when.as_ref()) {
        return None;
    }
    let title = std::iter::once(entry.summary.title.as_str());
    let meant = match entry.body.read() {
        Some(body) => {
            let value = body.value_words();
            filter.words.are_in(title.chain(value.as_deref()).chain(texts(&body)))
        }
        None => filter.words.are_in(title),
    };
    meant.then_some(())
}

/// Everything that a body says in words.
fn texts(body: &EntryBody) -> impl Iterator<Item = &str> {
    let displays = body.concept.coding.iter().filter_map(|coding| coding.display.as_deref());
    let single = [&body.concept.text, &body.description, &body.severity, &body.custodian, &body.maker, &body.lot];
    let lists = [
        &body.categories,
        &body.reactions,
        &body.dosage,
        &body.reasons,
        &body.sites,
        &body.methods,
        &body.outcomes,
        &body.status_reasons,
        &body.places,
        &body.authors,
        &body.remarks,
    ];
    let titles = body.attachments.iter().filter_map(|file| file.title.as_deref());
    displays
        .chain(single.into_iter().filter_map(Option::as_deref))
        .chain(lists.into_iter().flatten().map(String::as_str))
        .chain(titles)
        .chain(body.texts())
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;

    #[test]
    fn words_are_found_however_they_are_written() {
        let found = |typed: &str, text: &str| Words::typed(typed).are_in(std::iter::once(text));
        assert!(found("  MÜDE hüfte ", "Die Hüfte; müde seit gestern"));
        assert!(found("146/92", "Blood pressure 146/92 on two readings"));
        assert!(found("o'sullivan", "Seen by Dr O’Sullivan"));
        assert!(found("٣", "3 tablets"));
        assert!(!found("hip knee", "hip only"), "every word is asked for");
        assert!(Words::typed(" \u{200B} ").is_empty() || !found("\u{200B}", "x"));
        assert!(Words::typed(&"a ".repeat(10_000)).0.len() <= WORDS_MAX);
    }

    #[test]
    fn words_may_stand_in_different_texts() {
        assert!(Words::typed("chest pain").are_in(["Pain", "on the left of the chest"].into_iter()));
    }

    #[test]
    fn an_entry_of_which_only_the_year_is_known_is_in_every_part_of_that_year() {
        let moment = |text: &str| Moment::parse(text).unwrap();
        let filter =
            EntryFilter { from: Some(date(2015, 3, 1)), to: Some(date(2015, 3, 31)), ..EntryFilter::default() };
        let meant = |text: &str| filter.is_in_time(Some(&moment(text)));
        assert!(meant("2015") && meant("2015-03") && meant("2015-03-01") && meant("2015-03-31T23:59:00-11:00"));
        assert!(!meant("2014") && !meant("2015-02") && !meant("2015-04-01") && !meant("2015-02-28T23:59:00-11:00"));
        assert!(!filter.is_in_time(None), "what has no date is in no time");
        assert!(EntryFilter::default().is_in_time(None));
    }

    #[test]
    fn the_log_learns_by_what_a_list_was_narrowed_and_not_to_what() {
        let filter = EntryFilter {
            kinds: vec![EntryKind::Document],
            words: Words::typed("hiv"),
            to: Some(date(2015, 3, 31)),
            ..EntryFilter::default()
        };
        assert_eq!(filter.field().as_deref(), Some("timeline:kind+date+words"));
        assert_eq!(EntryFilter::default().field(), None);
        assert!(!format!("{filter:?}").contains("hiv"));
    }
}
