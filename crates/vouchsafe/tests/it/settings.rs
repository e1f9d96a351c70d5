//! What is wrong is told before anything is started or made.

use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt;

use crate::harness::{Place, Program, is_there, program, said};

/// Starts it, and gives what it said when it ended with this status.
fn refused(place: &Place, status: i32) -> String {
    let mut program: Program = place.serve();
    let ended = program.ends();
    let heard = program.heard.join("\n");
    assert_eq!(ended.code(), Some(status), "{heard}");
    assert!(!is_there(&place.path("data/pg-data")), "no server was made: {heard}");
    heard
}

#[test]
fn a_wrong_setting_ends_the_start_with_status_2_and_says_what_to_write() {
    let place = Place::new();
    place.write_settings("[log]\nlevel = \"loud\"\ncolour = true\n");
    let heard = refused(&place, 2);
    let file = place.settings().display().to_string();
    for words in [
        "log.level: \"loud\" is not understood; write one of \"error\", \"warn\", \"info\", \"debug\"",
        "log.colour: there is no such setting",
    ] {
        let line = heard.lines().find(|line| line.contains(words)).unwrap_or_else(|| panic!("{words}: {heard}"));
        assert!(line.contains(&file) && line.contains("line "), "{line}");
    }
    assert!(!is_there(&place.path("data")));
}

#[test]
fn check_config_says_the_same_and_starts_nothing() {
    let place = Place::new();
    let file = place.settings();
    let good = program().arg("check-config").arg(&file).output().unwrap();
    assert!(good.status.success() && said(&good).contains("is right"), "{good:?}");
    place.write_settings("[mail]\nhost = \"mail.example.org\"\n");
    let wrong = program().arg("check-config").arg(&file).output().unwrap();
    assert_eq!(wrong.status.code(), Some(2));
    assert!(
        said(&wrong).contains("mail.tls: letters to mail.example.org would cross the network in the open"),
        "{wrong:?}"
    );
    assert!(!is_there(&place.path("data")));
}

#[test]
fn a_certificate_that_is_not_there_is_named_with_its_settings() {
    let place = Place::with_key();
    std::fs::remove_file(place.path("cert.pem")).unwrap();
    let heard = refused(&place, 1);
    assert!(heard.contains("web.certificate") && heard.contains("cert.pem"), "{heard}");
}

#[test]
fn without_a_root_key_the_command_that_makes_one_is_named() {
    let heard = refused(&Place::new(), 1);
    assert!(heard.contains("there is no root key file") && heard.contains("vouchsafe keys create"), "{heard}");
}

#[test]
fn a_root_key_that_others_can_read_is_refused() {
    let place = Place::with_key();
    let key = place.path("keys/root.key");
    std::fs::set_permissions(&key, Permissions::from_mode(0o644)).unwrap();
    let heard = refused(&place, 1);
    assert!(heard.contains("others may use the root key file") && heard.contains("chmod 600"), "{heard}");
    std::fs::set_permissions(&key, Permissions::from_mode(0o640)).unwrap();
    assert!(refused(&place, 1).contains("others may use the root key file"));
}

#[test]
fn a_root_key_inside_the_data_folder_is_refused() {
    let place = Place::new();
    let data = place.path("data");
    let settings = std::fs::read_to_string(place.settings()).unwrap();
    std::fs::write(place.settings(), settings.replace("keys/root.key", "data/root.key")).unwrap();
    let heard = refused(&place, 2);
    assert!(heard.contains("keys.root_key") && heard.contains("lies inside the data folder"), "{heard}");
    assert!(heard.contains(&data.display().to_string()), "{heard}");
}

#[test]
fn a_root_key_is_never_written_over() {
    let place = Place::with_key();
    let key = place.path("keys/root.key");
    let before = std::fs::read(&key).unwrap();
    assert_eq!(std::fs::metadata(&key).unwrap().permissions().mode() & 0o777, 0o600);
    let again = place.run(&["keys", "create"]);
    assert!(!again.status.success() && said(&again).contains("not written over"), "{again:?}");
    assert_eq!(std::fs::read(&key).unwrap(), before);
}

#[test]
fn a_folder_that_holds_something_else_is_left_alone() {
    let place = Place::with_key();
    std::fs::create_dir(place.path("data")).unwrap();
    std::fs::write(place.path("data/letters.txt"), "mine").unwrap();
    let heard = refused(&place, 1);
    assert!(heard.contains("letters.txt") && heard.contains("is none of Vouchsafe's"), "{heard}");
    assert_eq!(std::fs::read_dir(place.path("data")).unwrap().count(), 1);
}

#[test]
fn commands_say_when_nothing_runs() {
    let place = Place::with_key();
    let output = place.run(&["practice", "list"]);
    assert!(!output.status.success() && said(&output).contains("Start it first"), "{output:?}");
    let demo = program().args(["demo", "code", "a@b.example", "--folder"]).arg(place.path("data")).output().unwrap();
    assert!(!demo.status.success() && said(&demo).contains("holds no demonstration"), "{demo:?}");
}
