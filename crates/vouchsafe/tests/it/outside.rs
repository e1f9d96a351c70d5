//! Servers that others run: migrated as the owner, served as the role that owns nothing.

use testkit::{DATA, KEYRING, servers};

use crate::harness::{Place, is_there, said};

/// The two databases of this test, on servers that all tests share.
async fn make(name: &str) {
    let servers = servers().await;
    for cluster in [DATA, KEYRING] {
        let admin = servers.superuser(cluster).await;
        admin.batch_execute(&format!("drop database if exists {name} with (force)")).await.unwrap();
        admin.batch_execute(&format!("create database {name} owner vouchsafe_owner template template0")).await.unwrap();
    }
}

async fn remove(name: &str) {
    for cluster in [DATA, KEYRING] {
        let admin = servers().await.superuser(cluster).await;
        admin.batch_execute(&format!("drop database {name} with (force)")).await.unwrap();
    }
}

/// The section of settings; `spoilt` hosts come first and answer nothing.
async fn section(name: &str, spoilt: &str) -> String {
    let servers = servers().await;
    let dsn = |cluster: &str, role: &str| {
        let sockets = servers.folder().join(cluster).join("sockets");
        format!("host={spoilt}{} port=54329 dbname={name} user={role}", sockets.display())
    };
    let lines = [
        ("data_owner", DATA, "vouchsafe_owner"),
        ("data_run", DATA, "vouchsafe_run"),
        ("keyring_owner", KEYRING, "vouchsafe_owner"),
        ("keyring_run", KEYRING, "vouchsafe_run"),
    ];
    let lines = lines.map(|(key, cluster, role)| format!("{key} = \"{}\"\n", dsn(cluster, role))).concat();
    format!("managed = false\n[outside]\n{lines}")
}

#[tokio::test]
async fn servers_of_others_are_migrated_and_served_and_the_first_host_may_be_away() {
    let name = format!("outside_{}", std::process::id());
    make(&name).await;
    let place = Place::with_key();
    place.write_settings(&section(&name, "/nowhere,").await);
    let program = place.serving();
    place.answers();
    assert!(!is_there(&place.path("data/pg-data")), "no server of its own was made");
    let founded = place.run(&[
        "practice",
        "create",
        "zorg",
        "--name",
        "Zorg",
        "--time-zone",
        "Europe/Amsterdam",
        "--country",
        "NL",
    ]);
    assert!(founded.status.success(), "{founded:?}");
    assert!(said(&place.run(&["practice", "list"])).contains("zorg"));
    program.stops();
    let program = place.serving();
    place.answers();
    program.stops();
    remove(&name).await;
}

#[tokio::test]
async fn a_database_that_is_not_there_is_told_with_its_setting() {
    let place = Place::with_key();
    place.write_settings(&section("no_such_database", "").await);
    let mut program = place.serve();
    assert_eq!(program.ends().code(), Some(1));
    let heard = program.heard.join("\n");
    assert!(heard.contains("outside.data_owner") && heard.contains("3D000"), "{heard}");
}
