//! How a record stands: in use or not, the patient alive or dead, open to all who may read records or to
//! named people only.

pub mod reads;
pub mod writes;

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use super::model::{BirthDate, DateOrder, Deceased, FieldError, Moment};

/// Whether a record is in use, and whether the patient lives, as typed.
#[derive(Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct StandingForm {
    /// `active` or `inactive`.
    pub record: String,
    /// `yes` or `no`.
    pub died: String,
    /// When; empty where it is not known.
    pub died_on: String,
}

/// The same, understood.
#[derive(Clone, PartialEq)]
pub struct Standing {
    /// Whether the record is in use.
    pub active: bool,
    /// Whether, and when, the patient died.
    pub died: Option<Option<BirthDate>>,
}

super::model::personal!(StandingForm, Standing);

impl StandingForm {
    /// The form filled with how a record stands.
    #[must_use]
    pub fn of(active: bool, deceased: Option<&Deceased>, order: DateOrder) -> Self {
        let on = match deceased {
            Some(Deceased::DateTime(moment)) => moment.date().to_typed(order),
            _ => String::new(),
        };
        Self {
            record: if active { "active" } else { "inactive" }.to_owned(),
            died: if deceased.is_some_and(Deceased::is_dead) { "yes" } else { "no" }.to_owned(),
            died_on: on,
        }
    }

    /// Reads the form.
    ///
    /// # Errors
    /// Every field that cannot be taken.
    pub fn parse(&self, order: DateOrder, today: Date, born: Option<BirthDate>) -> Result<Standing, Vec<FieldError>> {
        let mut errors = Vec::new();
        let typed = self.died_on.trim();
        let on = if typed.is_empty() { None } else { BirthDate::typed(typed, order).ok() };
        if !typed.is_empty() && on.is_none() {
            errors.push(FieldError::new("died_on", "Enter a date that exists, or only a month or a year"));
        }
        if on.is_some_and(|on| on.is_after(today)) {
            errors.push(FieldError::new("died_on", "Enter a date that is not in the future"));
        }
        if on.zip(born).is_some_and(|(on, born)| on.span().1 < born.span().0) {
            errors.push(FieldError::new("died_on", "Enter a date that does not lie before the birth date"));
        }
        let died = match self.died.as_str() {
            "yes" => true,
            "no" => false,
            _ => {
                errors.push(FieldError::new("died", "Choose whether the patient has died"));
                false
            }
        };
        if self.died == "no" && on.is_some() {
            errors.push(FieldError::new("died_on", "Leave this empty if the patient has not died"));
        }
        let active = self.record == "active";
        if !active && self.record != "inactive" {
            errors.push(FieldError::new("record", "Choose whether the record is in use"));
        }
        if errors.is_empty() { Ok(Standing { active, died: died.then_some(on) }) } else { Err(errors) }
    }
}

impl Standing {
    /// What is known of a death from now on. What was known more precisely than the form shows it stays.
    fn deceased(&self, known: Option<&Deceased>) -> Option<Deceased> {
        match (self.died, known) {
            (None, Some(known)) if known.is_dead() => None,
            (None, known) => known.cloned(),
            (Some(on), Some(Deceased::DateTime(moment))) if on == Some(moment.date()) => {
                Some(Deceased::DateTime(moment.clone()))
            }
            (Some(Some(on)), _) => Moment::parse(&on.iso()).ok().map(Deceased::DateTime),
            (Some(None), _) => Some(Deceased::Boolean(true)),
        }
    }
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;

    const TODAY: Date = date(2026, 11, 22);

    fn form(record: &str, died: &str, died_on: &str) -> StandingForm {
        StandingForm { record: record.into(), died: died.into(), died_on: died_on.into() }
    }

    fn read(form: &StandingForm) -> Result<Standing, Vec<&'static str>> {
        let born = BirthDate::parse("1980-03").ok();
        let read = form.parse(DateOrder::DayMonthYear, TODAY, born);
        read.map_err(|errors| errors.iter().map(|error| error.field).collect())
    }

    #[test]
    fn a_death_is_as_precise_as_it_is_known_and_can_be_taken_back() {
        let told = |died_on: &str| read(&form("inactive", "yes", died_on)).unwrap().deceased(None).unwrap();
        assert!(told("") == Deceased::Boolean(true));
        assert!(told("3/2024") == Deceased::DateTime(Moment::parse("2024-03").unwrap()));
        let precise = Deceased::DateTime(Moment::parse("2024-03-05T04:10:00+02:00").unwrap());
        let shown = StandingForm::of(true, Some(&precise), DateOrder::DayMonthYear);
        assert_eq!((shown.died.as_str(), shown.died_on.as_str()), ("yes", "05/03/2024"));
        assert!(read(&shown).unwrap().deceased(Some(&precise)) == Some(precise.clone()), "the hour is not lost");
        assert!(read(&form("active", "no", "")).unwrap().deceased(Some(&precise)).is_none());
        assert!(read(&form("active", "no", "")).unwrap().deceased(Some(&Deceased::Boolean(false))).is_some());
    }

    #[test]
    fn what_cannot_be_is_said_beside_its_field() {
        assert_eq!(read(&form("active", "yes", "23/11/2026")).unwrap_err(), ["died_on"]);
        assert_eq!(read(&form("active", "yes", "1979")).unwrap_err(), ["died_on"]);
        assert!(read(&form("active", "yes", "1980")).is_ok(), "in the year of the birth");
        assert_eq!(read(&form("active", "no", "2020")).unwrap_err(), ["died_on"]);
        assert_eq!(read(&form("", "", "31/2/2020")).unwrap_err(), ["died_on", "died", "record"]);
    }
}
