//! What the tests of this crate do again and again.

use kernel::PatientId;
use practice::patients::model::{DateOrder, PatientForm};
use practice::patients::reads::{self, Found};
use practice::patients::search::Query;
use practice::patients::writes;
use store::{Actor, StoreError};
use testkit::House;

pub(crate) const ORDER: DateOrder = DateOrder::DayMonthYear;

pub(crate) fn form(given: &str, family: &str, birth: &str) -> PatientForm {
    PatientForm {
        given: given.to_owned(),
        family: family.to_owned(),
        birth_date: birth.to_owned(),
        phone: "082 555 0143".to_owned(),
        email: "lindi@example.org".to_owned(),
        ..PatientForm::default()
    }
}

pub(crate) fn draft(form: &PatientForm) -> practice::patients::model::PatientDraft {
    form.parse(ORDER, "2026-11-22".parse().unwrap()).unwrap_or_else(|errors| panic!("{errors:?}"))
}

pub(crate) async fn write_down(house: &House, actor: &Actor, form: &PatientForm) -> PatientId {
    writes::create(&house.store, actor, house.key(), form, &draft(form), true).await.expect("a patient")
}

pub(crate) async fn search(house: &House, actor: &Actor, text: &str) -> Result<Found, StoreError> {
    reads::find(&house.store, actor, text, &Query::parse(text, ORDER)).await
}

pub(crate) async fn found(house: &House, actor: &Actor, text: &str) -> Vec<PatientId> {
    let found = search(house, actor, text).await.expect("a search");
    found.patients.into_iter().map(|patient| patient.expect("it opens").id).collect()
}
