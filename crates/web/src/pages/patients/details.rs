//! All names, numbers, addresses and languages of a patient, and the people around them: lists with a row
//! each, which grow without script. "Add another" sends what was typed and gets it back with one row more.

use axum::extract::State;
use axum::http::StatusCode;
use kernel::PatientId;
use practice::patients::model::{
    AddressRow, AddressUse, ContactRow, ContactSystem, ContactUse, Details as Typed, LanguageRow, NameRow, NameUse,
    PersonRow, ROWS_MAX, Relation, RowError,
};
use practice::patients::reads::{edit_form, seen};
use practice::patients::rows::Patient;
use practice::patients::writes::edit_details;
use store::StoreError;

use super::said;
use crate::AppState;
use crate::errors::{Answer, PageError};
use crate::extract::{At, Sent, go_to, page, refuse, show};
use crate::fields::Fields;
use crate::text::say;
use crate::views::details::{Details, List, Row, RowField, Shape};
use crate::views::{Choice, Errors, Room};
use crate::who::{Caller, Member};

/// `GET /patients/{patient}/details`
pub(super) async fn form(State(app): State<AppState>, member: Member, At(id): At<PatientId>) -> Answer {
    let patient = edit_form(&app.store, &member.actor, id).await?.0.map_err(StoreError::from)?;
    let typed = Typed::of(&patient.demographics());
    show(&view(&member, &patient, typed, patient.row_version, Errors::none()).await?)
}

/// `POST /patients/{patient}/details`
pub(super) async fn send(State(app): State<AppState>, At(id): At<PatientId>, sent: Sent<Fields>) -> Answer {
    let Sent { by: member, form, once } = sent;
    let version: i64 = form.text("version").parse().map_err(|_| PageError::BAD_REQUEST)?;
    let mut typed = read(&form);
    let known_of =
        async |id| Ok::<_, PageError>(edit_form(&app.store, &member.actor, id).await?.0.map_err(StoreError::from)?);
    let known = async || known_of(id).await;
    match form.text("more") {
        "" => {}
        list => {
            grow(&mut typed, list);
            return show(&view(&member, &known().await?, typed, version, Errors::none()).await?);
        }
    }
    if let Err(found) = typed.check() {
        return refuse(&view(&member, &known().await?, typed, version, errors(found)).await?);
    }
    match edit_details(&app.store, &member.actor, once, id, seen(version), &typed).await {
        Ok(()) => go_to(&format!("/patients/{id}")),
        Err(error @ (StoreError::Conflict | StoreError::Merged { .. })) => {
            let patient = known_of(if let StoreError::Merged { into } = error { into } else { id }).await?;
            let errors = Errors::whole(say("details-conflict"));
            let now = patient.row_version;
            page(StatusCode::CONFLICT, &view(&member, &patient, typed, now, errors).await?)
        }
        Err(error) => Err(error.into()),
    }
}

fn errors(found: Vec<RowError>) -> Errors {
    let mut errors = Errors::none();
    for error in found {
        errors.add(name(error.list, error.row, error.field), error.message);
    }
    errors
}

fn name(list: &str, row: usize, field: &str) -> String {
    format!("{list}-{row}-{field}")
}

/// The rows that were sent.
fn read(form: &Fields) -> Typed {
    let rows = |list: &'static str, first: &'static str| {
        (0..=ROWS_MAX).take_while(move |row| form.all(&name(list, *row, first)).next().is_some())
    };
    let text = |list: &str, row: usize, field: &str| form.text(&name(list, row, field)).to_owned();
    let ticked = |list: &str, row: usize, field: &str| form.text(&name(list, row, field)) == "yes";
    Typed {
        names: rows("names", "given")
            .map(|row| NameRow {
                use_: text("names", row, "use"),
                title: text("names", row, "title"),
                given: text("names", row, "given"),
                family: text("names", row, "family"),
            })
            .collect(),
        contacts: rows("contacts", "value")
            .map(|row| ContactRow {
                system: text("contacts", row, "system"),
                use_: text("contacts", row, "use"),
                value: text("contacts", row, "value"),
            })
            .collect(),
        addresses: rows("addresses", "lines")
            .map(|row| AddressRow {
                use_: text("addresses", row, "use"),
                // A browser ends the lines of a text with CR and LF.
                lines: text("addresses", row, "lines").replace("\r\n", "\n"),
                city: text("addresses", row, "city"),
                state: text("addresses", row, "state"),
                postal_code: text("addresses", row, "postal_code"),
                country: text("addresses", row, "country"),
            })
            .collect(),
        languages: rows("languages", "language")
            .map(|row| LanguageRow {
                language: text("languages", row, "language"),
                preferred: ticked("languages", row, "preferred"),
            })
            .collect(),
        people: rows("people", "name")
            .map(|row| PersonRow {
                relation: text("people", row, "relation"),
                name: text("people", row, "name"),
                phone: text("people", row, "phone"),
                email: text("people", row, "email"),
                address: text("people", row, "address").replace("\r\n", "\n"),
                may_consent: ticked("people", row, "may_consent"),
            })
            .collect(),
    }
}

/// One empty row more.
fn grow(typed: &mut Typed, list: &str) {
    fn row<T: Default>(rows: &mut Vec<T>) {
        if rows.len() < ROWS_MAX {
            rows.push(T::default());
        }
    }
    match list {
        "names" => row(&mut typed.names),
        "contacts" => row(&mut typed.contacts),
        "addresses" => row(&mut typed.addresses),
        "languages" => row(&mut typed.languages),
        "people" => row(&mut typed.people),
        _ => {}
    }
}

async fn view(
    member: &Member,
    patient: &Patient,
    mut typed: Typed,
    version: i64,
    errors: Errors,
) -> Result<Details, PageError> {
    let known = patient.demographics();
    // A list without a row has one to begin with.
    for list in ["names", "contacts", "addresses", "languages"] {
        let empty = match list {
            "names" => typed.names.is_empty(),
            "contacts" => typed.contacts.is_empty(),
            "addresses" => typed.addresses.is_empty(),
            _ => typed.languages.is_empty(),
        };
        if empty {
            grow(&mut typed, list);
        }
    }
    Ok(Details {
        shell: member.shell(Room::Patients).await?,
        guard: member.guard(),
        errors,
        id: patient.id.to_string(),
        name: known.name().map(practice::patients::model::HumanName::display).unwrap_or_default(),
        birth: known.birth.map(said::birth),
        version: version.to_string(),
        lists: vec![names(&typed), contacts(&typed), addresses(&typed), languages(&typed), people(&typed)],
    })
}

fn choices(chosen: &str, all: &[(&str, &str)]) -> Shape {
    Shape::Choice(all.iter().map(|(code, key)| Choice::new(*code, say(key), *code == chosen)).collect())
}

fn field(list: &str, row: usize, field: &str, label: &'static str, value: &str, shape: Shape) -> RowField {
    RowField { name: name(list, row, field), label, value: value.to_owned(), shape }
}

fn list<R>(
    code: &'static str,
    title: &'static str,
    add: &'static str,
    rows: &[R],
    fields: impl Fn(usize, &R) -> Vec<RowField>,
) -> List {
    let rows: Vec<Row> = rows.iter().enumerate().map(|(at, row)| Row { fields: fields(at, row) }).collect();
    List { code, title, add, full: rows.len() >= ROWS_MAX, rows }
}

fn names(typed: &Typed) -> List {
    list("names", "details-names", "details-add-name", &typed.names, |at, row| {
        let uses = [
            (NameUse::Official.code(), "name-official"),
            (NameUse::Usual.code(), "name-usual"),
            (NameUse::Nickname.code(), "name-nickname"),
            (NameUse::Maiden.code(), "name-maiden"),
            (NameUse::Old.code(), "name-old"),
            (NameUse::Temp.code(), "use-temp"),
            (NameUse::Anonymous.code(), "name-anonymous"),
        ];
        vec![
            field("names", at, "use", "details-use", &row.use_, choices(&row.use_, &uses)),
            field("names", at, "title", "patient-form-title", &row.title, Shape::Short),
            field("names", at, "given", "patient-given", &row.given, Shape::Text),
            field("names", at, "family", "patient-family", &row.family, Shape::Text),
        ]
    })
}

fn contacts(typed: &Typed) -> List {
    list("contacts", "details-contacts", "details-add-contact", &typed.contacts, |at, row| {
        let systems = [
            (ContactSystem::Phone.code(), "contact-phone"),
            (ContactSystem::Email.code(), "field-email"),
            (ContactSystem::Sms.code(), "contact-sms"),
            (ContactSystem::Fax.code(), "contact-fax"),
            (ContactSystem::Pager.code(), "contact-pager"),
            (ContactSystem::Url.code(), "contact-url"),
            (ContactSystem::Other.code(), "relation-other"),
        ];
        let uses = [
            (ContactUse::Mobile.code(), "use-mobile"),
            (ContactUse::Home.code(), "use-home"),
            (ContactUse::Work.code(), "use-work"),
            (ContactUse::Temp.code(), "use-temp"),
            (ContactUse::Old.code(), "use-old"),
        ];
        vec![
            field("contacts", at, "system", "identifier-kind", &row.system, choices(&row.system, &systems)),
            field("contacts", at, "use", "details-use", &row.use_, choices(&row.use_, &uses)),
            field("contacts", at, "value", "details-value", &row.value, Shape::Text),
        ]
    })
}

fn addresses(typed: &Typed) -> List {
    list("addresses", "details-addresses", "details-add-address", &typed.addresses, |at, row| {
        let uses = [
            (AddressUse::Home.code(), "use-home"),
            (AddressUse::Work.code(), "use-work"),
            (AddressUse::Billing.code(), "use-billing"),
            (AddressUse::Temp.code(), "use-temp"),
            (AddressUse::Old.code(), "use-old"),
        ];
        vec![
            field("addresses", at, "use", "details-use", &row.use_, choices(&row.use_, &uses)),
            field("addresses", at, "lines", "address-street", &row.lines, Shape::Lines),
            field("addresses", at, "city", "address-city", &row.city, Shape::Text),
            field("addresses", at, "state", "address-region", &row.state, Shape::Text),
            field("addresses", at, "postal_code", "address-postcode", &row.postal_code, Shape::Short),
            field("addresses", at, "country", "address-country", &row.country, Shape::Text),
        ]
    })
}

fn languages(typed: &Typed) -> List {
    list("languages", "details-languages", "details-add-language", &typed.languages, |at, row| {
        vec![
            field("languages", at, "language", "patient-language", &row.language, Shape::Text),
            field("languages", at, "preferred", "language-preferred", "yes", Shape::Box(row.preferred)),
        ]
    })
}

fn people(typed: &Typed) -> List {
    list("people", "details-people", "details-add-person", &typed.people, |at, row| {
        let relations = [
            (Relation::Guardian.code(), "relation-guardian"),
            (Relation::NextOfKin.code(), "relation-next-of-kin"),
            (Relation::Emergency.code(), "relation-emergency"),
            (Relation::Parent.code(), "relation-parent"),
            (Relation::Spouse.code(), "relation-spouse"),
            (Relation::Child.code(), "relation-child"),
            (Relation::Carer.code(), "relation-carer"),
            (Relation::Other.code(), "relation-other"),
        ];
        vec![
            field("people", at, "relation", "person-relation", &row.relation, choices(&row.relation, &relations)),
            field("people", at, "name", "field-name", &row.name, Shape::Text),
            field("people", at, "phone", "patient-phone", &row.phone, Shape::Text),
            field("people", at, "email", "field-email", &row.email, Shape::Text),
            field("people", at, "address", "patient-address", &row.address, Shape::Lines),
            field("people", at, "may_consent", "person-may-consent", "yes", Shape::Box(row.may_consent)),
        ]
    })
}
