//! What is refused, and whether the refusal says what to do.

use std::os::unix::fs::PermissionsExt;

use cluster::{ClusterError, Settings, find_os_user, start};

use crate::harness::{Place, is_root};

async fn refused(settings: Settings) -> (ClusterError, String) {
    let error = start(settings, |_| {}).await.unwrap_err();
    let said = error.to_string();
    (error, said)
}

#[tokio::test]
async fn of_two_starts_at_once_one_serves_and_the_other_says_who_holds_the_folder() {
    let place = Place::new();
    let (one, two) = tokio::join!(start(place.settings(), |_| {}), start(place.settings(), |_| {}));
    let (running, error) = match (one, two) {
        (Ok(running), Err(error)) | (Err(error), Ok(running)) => (running, error),
        both => panic!("{both:?}"),
    };
    let said = error.to_string();
    assert!(matches!(error, ClusterError::Held { .. }), "{said}");
    assert!(said.contains(&format!("process {} (", std::process::id())), "{said}");
    let (error, _) = refused(place.settings()).await;
    assert!(matches!(error, ClusterError::Held { .. }), "held while it runs, too");
    running.stop().await.unwrap();
    place.start().await.stop().await.unwrap();
}

#[tokio::test]
async fn data_of_another_major_is_refused_untouched() {
    let place = Place::new();
    place.start().await.stop().await.unwrap();
    std::fs::write(place.data().join("PG_VERSION"), "14\n").unwrap();
    let (error, said) = refused(place.settings()).await;
    assert!(matches!(error, ClusterError::OtherMajor { data: 14, .. }), "{said}");
    assert!(said.contains("PostgreSQL 14") && said.contains("pg_upgrade"), "{said}");
    assert!(place.data().join("global/pg_control").exists());
}

#[tokio::test]
async fn programs_that_are_too_old_are_refused_before_any_data_is_made() {
    let place = Place::new();
    let old = place.path().join("old");
    std::fs::create_dir(&old).unwrap();
    for program in ["postgres", "initdb", "pg_ctl"] {
        let path = old.join(program);
        std::fs::write(&path, "#!/bin/sh\necho 'postgres (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)'\n").unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
    }
    let (error, said) = refused(Settings { binaries: Some(old.clone()), ..place.settings() }).await;
    assert!(matches!(error, ClusterError::BinariesUnusable { .. }), "{said}");
    assert!(said.contains("15.18") && said.contains("15.20") && said.contains(old.to_str().unwrap()), "{said}");
    assert!(!place.data().exists());
}

#[tokio::test]
async fn a_folder_with_something_of_somebodys_in_it_is_refused_and_left_as_it_is() {
    let place = Place::new();
    std::fs::create_dir(place.folder()).unwrap();
    std::fs::write(place.folder().join("letter.txt"), "dear").unwrap();
    let (error, said) = refused(place.settings()).await;
    assert!(matches!(error, ClusterError::NotOurs { .. }), "{said}");
    assert!(said.contains("letter.txt"), "{said}");
    assert_eq!(std::fs::read_dir(place.folder()).unwrap().count(), 1);
}

#[tokio::test]
async fn a_folder_that_others_can_write_is_refused() {
    let place = Place::new();
    std::fs::create_dir(place.folder()).unwrap();
    std::fs::set_permissions(place.folder(), std::fs::Permissions::from_mode(0o777)).unwrap();
    let (error, said) = refused(place.settings()).await;
    assert!(matches!(error, ClusterError::NotOurs { .. }), "{said}");
}

#[tokio::test]
async fn the_keyrings_folder_is_not_taken_for_the_datas() {
    let place = Place::new();
    let keyring = Settings { name: "keyring", ..place.settings() };
    start(keyring, |_| {}).await.unwrap().stop().await.unwrap();
    let (error, said) = refused(place.settings()).await;
    assert!(matches!(error, ClusterError::NotOurs { .. }), "{said}");
    assert!(said.contains("keyring"), "{said}");
}

#[tokio::test]
async fn data_that_is_not_whole_is_refused_and_not_made_anew() {
    let place = Place::new();
    place.start().await.stop().await.unwrap();
    std::fs::remove_file(place.data().join("PG_VERSION")).unwrap();
    let (error, said) = refused(place.settings()).await;
    assert!(matches!(error, ClusterError::NotOurs { .. }), "{said}");
}

#[tokio::test]
async fn a_server_that_cannot_start_tells_why_in_its_own_words() {
    let place = Place::new();
    place.start().await.stop().await.unwrap();
    std::fs::write(place.data().join("postgresql.auto.conf"), "shared_buffers = 'a lot'\n").unwrap();
    let (error, said) = refused(place.settings()).await;
    assert!(matches!(error, ClusterError::Failed { program: "postgres", .. }), "{said}");
    assert!(said.contains("shared_buffers"), "{said}");
    std::fs::remove_file(place.data().join("postgresql.auto.conf")).unwrap();
    std::fs::remove_file(place.data().join("global/pg_control")).unwrap();
    let (_, said) = refused(place.settings()).await;
    assert!(said.contains("pg_control"), "{said}");
}

#[tokio::test]
async fn an_account_that_does_not_fit_is_refused() {
    let place = Place::new();
    if !is_root() {
        let other = find_os_user("daemon").unwrap();
        let (_, said) = refused(Settings { run_as: other, ..place.settings() }).await;
        assert!(said.contains("only root"), "{said}");
        return;
    }
    let (_, said) = refused(Settings { run_as: None, ..place.settings() }).await;
    assert!(said.contains("name an account"), "{said}");
    let root = find_os_user("root").unwrap();
    let (_, said) = refused(Settings { run_as: root, ..place.settings() }).await;
    assert!(said.contains("refuses to run as root"), "{said}");
    let running = place.start().await;
    running.stop().await.unwrap();
    let daemon = find_os_user("daemon").unwrap();
    let (_, said) = refused(Settings { run_as: daemon, ..place.settings() }).await;
    assert!(said.contains("chown -R daemon"), "{said}");
    std::fs::set_permissions(place.path(), std::fs::Permissions::from_mode(0o700)).unwrap();
    let (_, said) = refused(place.settings()).await;
    assert!(said.contains("cannot reach") && said.contains("namei"), "{said}");
}
