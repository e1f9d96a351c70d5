//! Every page, drawn from its fixture. The pages land in `target/pages`, for the eye and for the
//! browser tests; here it is checked what must hold for all of them.

use std::fs;
use std::path::PathBuf;

use askama::Template;

use super::{
    account, audit, chart, confirm, connections, details, door, exports, fault, imports, merging, patient, patients,
    record, standing, team, today, write,
};

fn name(fault: fault::Fault) -> String {
    match fault {
        fault::Fault::Damaged(_) => "damaged".to_owned(),
        fault::Fault::OtherPractice => "practice".to_owned(),
        fault::Fault::Merged => "merged".to_owned(),
        other => other.status().to_string(),
    }
}

macro_rules! draw {
    ($($name:literal => $view:expr),+ $(,)?) => {
        vec![$(($name.to_owned(), $view.render().unwrap())),+]
    };
}

/// Before the house.
fn door_pages() -> Vec<(String, String)> {
    draw! {
        "sign-in" => door::fixture::sign_in(),
        "sign-in-refused" => door::fixture::sign_in_refused(),
        "second" => door::fixture::second(),
        "second-passkey" => door::fixture::second_passkey(),
        "second-passkey-only" => door::fixture::second_passkey_only(),
        "set-up" => door::fixture::set_up(),
        "recovery" => door::fixture::recovery(),
        "reset-ask" => door::fixture::reset_ask(),
        "reset-asked" => door::ResetAsked { minutes: 15 },
        "reset-set" => door::fixture::reset_set(),
        "factors-anew" => door::fixture::factors_anew(),
        "factors-ended" => door::LinkEnded { kind: door::LinkKind::Factors },
        "reset-ended" => door::LinkEnded { kind: door::LinkKind::Reset },
        "invitation" => door::fixture::invitation(),
        "invitation-known" => door::fixture::invitation_known(),
        "invitation-ended" => door::LinkEnded { kind: door::LinkKind::Invitation },
        "codes-first" => door::fixture::first_codes(),
    }
}

fn pages() -> Vec<(String, String)> {
    let mut pages = door_pages();
    pages.extend(draw! {
        "today" => today::fixture::today(),
        "today-first" => today::fixture::first_day(),
        "patients-found" => patients::fixture::found(),
        "patients-none" => patients::fixture::nobody(),
        "patients-many" => patients::fixture::too_many(),
        "patients-empty" => patients::fixture::empty(),
        "patient-new" => patients::fixture::new_patient(),
        "patient-refused" => patients::fixture::refused(),
        "patient-conflict" => patients::fixture::conflict(),
        "patient" => patient::fixture::page(),
        "patient-revealed" => patient::fixture::page_after_reveal(),
        "patient-reception" => patient::fixture::page_for_reception(),
        "patient-damaged" => patient::fixture::page_with_damage(),
        "record" => record::fixture::record(),
        "record-none" => record::fixture::record_without_rows(),
        "record-searched" => record::fixture::record_searched(),
        "measurements" => chart::fixture::measurements(),
        "measurements-none" => chart::fixture::none(),
        "entry" => record::fixture::entry(),
        "entry-measured" => record::fixture::measured(),
        "write-allergy" => write::fixture::form(write::What::Allergy),
        "write-medication" => write::fixture::form(write::What::Medication),
        "write-problem" => write::fixture::form(write::What::Problem),
        "write-immunisation" => write::fixture::form(write::What::Immunisation),
        "write-measurement" => write::fixture::form(write::What::Measurement),
        "write-refused" => write::fixture::refused(),
        "write-unusual" => write::fixture::unusual(),
        "entry-change" => write::fixture::change(),
        "patient-details" => details::fixture::details(),
        "patient-standing" => standing::fixture::standing(),
        "patient-access" => standing::fixture::access(),
        "alike" => merging::fixture::somebody(),
        "alike-none" => merging::fixture::alike(Vec::new()),
        "merge-find" => merging::fixture::find(),
        "merge-find-first" => merging::fixture::find_first(),
        "merge" => merging::fixture::compare(),
        "merges" => merging::fixture::merges(),
        "unmerge" => merging::fixture::unmerge(),
        "entry-damaged" => record::fixture::damaged_entry(),
        "audit-record" => audit::fixture::on_record(),
        "audit" => audit::fixture::practice(),
        "audit-none" => audit::fixture::nothing(),
        "team" => team::fixture::team(),
        "team-invite" => team::fixture::invite(),
        "team-link" => team::fixture::link(),
        "team-roles" => team::fixture::member_roles(),
        "team-factors" => team::fixture::reset_factors(),
        "team-sign-in" => team::fixture::sign_in_rule(),
        "team-sign-in-on" => team::fixture::sign_in_rule_on(),
        "team-sign-in-first" => team::fixture::sign_in_rule_first(),
        "connections" => connections::fixture::list(),
        "connections-none" => connections::fixture::none(),
        "connection-new" => connections::fixture::new(),
        "connection-made" => connections::fixture::made(),
        "connection-made-own-keys" => connections::fixture::made_with_own_keys(),
        "exports" => exports::fixture::list(),
        "exports-none" => exports::fixture::none(),
        "export-ask" => exports::fixture::ask(),
        "export-waiting" => exports::fixture::waiting(),
        "export-making" => exports::fixture::making(),
        "export-ready" => exports::fixture::ready(),
        "confirm-member" => confirm::fixture::remove_member(),
        "confirm-let-in" => confirm::fixture::let_in(),
        "confirm-alert" => confirm::fixture::end_alert(),
        "confirm-identifier" => confirm::fixture::remove_identifier(),
        "imports" => imports::fixture::list(),
        "imports-none" => imports::fixture::none(),
        "import-new" => imports::fixture::new(),
        "import" => imports::fixture::page(),
        "import-under-way" => imports::fixture::under_way(),
        "import-columns" => imports::fixture::columns(),
        "import-report" => imports::fixture::report(),
        "import-undo" => imports::fixture::undo(),
        "import-undo-stopped" => imports::fixture::undo_stopped(),
        "account" => account::fixture::account(),
        "account-password" => account::fixture::password(),
        "account-totp" => account::fixture::totp(),
        "account-passkeys" => account::fixture::with_passkeys(),
        "account-passkey-new" => account::fixture::new_passkey(),
        "account-passkey-refused" => account::fixture::passkey_refused(),
        "account-passkey-remove" => account::fixture::remove_passkey(),
        "account-passkey-name" => account::fixture::rename_passkey(),
        "account-passkey-wanted" => account::fixture::show_passkey(),
        "account-passkey-wanted-none" => account::fixture::make_passkey(),
        "account-codes" => account::fixture::new_codes(),
        "account-codes-shown" => account::fixture::codes_shown(),
    });
    for fault in fault::fixture::ALL {
        pages.push((format!("fault-{}", name(fault)), fault::fixture::inside(fault).render().unwrap()));
        pages.push((format!("fault-{}-door", name(fault)), fault::fixture::outside(fault).render().unwrap()));
    }
    pages
}

/// The pieces of `html` between each `open` and the next `close`.
fn between<'a>(html: &'a str, open: &str, close: &str) -> Vec<&'a str> {
    html.split(open).skip(1).map(|rest| rest.split(close).next().unwrap()).collect()
}

#[test]
fn every_page_is_drawn_into_target_pages() {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../target/pages");
    // What an earlier run drew and is a page no longer must not be taken for one.
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(folder.join("assets")).unwrap();
    for (name, html) in pages() {
        fs::write(folder.join(format!("{name}.html")), html).unwrap();
    }
    for asset in crate::assets::ASSETS {
        fs::write(folder.join(asset.address.trim_start_matches('/')), asset.bytes).unwrap();
    }
}

#[test]
fn no_page_shows_a_key_without_a_text() {
    for (name, html) in pages() {
        assert!(!html.contains('⟦'), "{name}: {}", html.split('⟦').nth(1).unwrap_or_default());
    }
}

#[test]
fn every_form_that_changes_something_carries_its_guard_and_once_only() {
    for (name, html) in pages() {
        for form in between(&html, "<form", "</form>") {
            let posts = form.contains("method=\"post\"");
            for field in ["name=\"csrf\"", "name=\"once\""] {
                assert_eq!(form.matches(field).count(), usize::from(posts), "{name}: {field} in <form{form}");
            }
        }
    }
}

#[test]
fn no_page_needs_an_exception_from_the_content_security_policy() {
    for (name, html) in pages() {
        for forbidden in [" style=", "<style", "<script>", "javascript:", "data:", " on", "hx-on", "http://"] {
            let found = html.split('<').skip(1).filter_map(|tag| tag.split('>').next()).find(|tag| {
                if forbidden == " on" {
                    tag.split_ascii_whitespace().any(|attribute| attribute.starts_with("on") && attribute.contains('='))
                } else {
                    tag.contains(forbidden)
                }
            });
            let allowed = forbidden == "http://" && found.is_some_and(|tag| tag.contains("http://www.w3.org"));
            assert!(found.is_none() || allowed, "{name}: <{}", found.unwrap_or_default());
        }
    }
}

#[test]
fn no_id_stands_twice_on_a_page_and_every_label_has_its_field() {
    for (name, html) in pages() {
        let ids = between(&html, " id=\"", "\"");
        let mut once = ids.clone();
        once.sort_unstable();
        once.dedup();
        assert_eq!(ids.len(), once.len(), "{name}: {ids:?}");
        for target in between(&html, " for=\"", "\"") {
            assert!(ids.contains(&target), "{name}: a label for {target}");
        }
        for link in between(&html, "href=\"#", "\"") {
            assert!(ids.contains(&link), "{name}: a link to #{link}");
        }
    }
}

#[test]
fn no_title_names_a_patient() {
    for (name, html) in pages() {
        let title = between(&html, "<title>", "</title>").remove(0);
        assert!(!title.contains("Mokoena") && !title.contains('⟦'), "{name}: {title}");
        assert!(title.trim().ends_with("· Vouchsafe"), "{name}: {title}");
    }
}

#[test]
fn a_name_with_markup_in_it_stays_a_name() {
    let mut page = patient::fixture::page();
    page.banner.name = "<img src=x onerror=alert(1)>\"'".to_owned();
    page.banner.alerts[0].text = "</ul><script>alert(1)</script>".to_owned();
    page.banner.identifiers[0].patient_name = "<b>".to_owned();
    let html = page.render().unwrap();
    assert!(!html.contains("<img") && !html.contains("<script>") && !html.contains("<b>"));
}

#[test]
fn a_revealed_value_is_in_the_page_once_and_a_masked_page_never_has_it() {
    let value = "8403070143088";
    assert_eq!(patient::fixture::page_after_reveal().render().unwrap().matches(value).count(), 1);
    assert!(!patient::fixture::page().render().unwrap().contains(value));
}
