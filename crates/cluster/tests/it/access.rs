//! Who gets in, and what the log says of them.

use std::path::Path;
use std::process::{Command, Output};

use cluster::{Address, Admit, Settings, create_database, ensure_os_user, find_os_user, start};
use tokio_postgres::types::Type;

use crate::harness::{Place, connect, is_alive, is_root, kill_9, text, until};

/// `psql` as another account.
fn psql_as(account: &str, binaries: &Path, address: &Address, database: &str, role: &str, sql: &str) -> Output {
    let account = find_os_user(account).unwrap().unwrap();
    Command::new("setpriv")
        .arg(format!("--reuid={}", account.uid))
        .arg(format!("--regid={}", account.gid))
        .args(["--clear-groups", "--"])
        .arg(binaries.join("psql"))
        .args(["-XAtw", "-d", database, "-U", role, "-c", sql, "-h"])
        .arg(&address.socket_dir)
        .output()
        .unwrap()
}

#[tokio::test]
async fn only_an_admitted_account_gets_in_and_only_as_its_role() {
    if !is_root() {
        return;
    }
    let place = Place::new();
    let admit = vec![Admit { os_user: "daemon".into(), role: "house_run".into() }];
    let running = start(Settings { admit, ..place.settings() }, |_| {}).await.unwrap();
    let (address, binaries) = (running.address(), running.binaries().dir.clone());
    create_database(address, "house", "house_own", &["house_run"]).await.unwrap();
    let psql =
        |account: &str, database: &str, role: &str| psql_as(account, &binaries, address, database, role, "select 1");

    let let_in = psql("daemon", "house", "house_run");
    assert!(let_in.status.success(), "{let_in:?}");
    for (account, database, role, why) in [
        ("daemon", "house", "house_own", "another role"),
        ("daemon", "house", "postgres", "the superuser"),
        ("daemon", "postgres", "house_run", "another database"),
        ("daemon", "template1", "house_run", "the template"),
        ("bin", "house", "house_run", "another account"),
        ("nobody", "house", "postgres", "the server's own account"),
    ] {
        assert!(!psql(account, database, role).status.success(), "{account} as {role} in {database}: {why}");
    }
    // The sockets are open to the one admitted account, the data to nobody but the server.
    for (account, folder, passes) in
        [("daemon", "sockets", true), ("bin", "sockets", false), ("daemon", "data", false), ("daemon", "log", false)]
    {
        let account = find_os_user(account).unwrap().unwrap();
        let status = Command::new("setpriv")
            .arg(format!("--reuid={}", account.uid))
            .arg(format!("--regid={}", account.gid))
            .args(["--clear-groups", "test", "-x"])
            .arg(place.folder().join(folder))
            .status()
            .unwrap();
        assert_eq!(status.success(), passes, "{} {folder}", account.name);
    }
    running.stop().await.unwrap();

    // Who is no longer admitted at the next start is out.
    let running = place.start().await;
    let refused = psql_as("daemon", &binaries, running.address(), "house", "house_run", "select 1");
    assert!(!refused.status.success());
    running.stop().await.unwrap();
}

#[tokio::test]
async fn an_account_that_is_not_there_cannot_be_admitted() {
    let place = Place::new();
    let admit = vec![Admit { os_user: "no-such-account".into(), role: "house_run".into() }];
    let said = start(Settings { admit, ..place.settings() }, |_| {}).await.unwrap_err().to_string();
    assert!(said.contains("no-such-account") && said.contains("house_run"), "{said}");
}

#[tokio::test]
async fn the_bootstrap_run_twice_changes_nothing_and_takes_back_what_a_role_should_not_have() {
    let place = Place::new();
    let running = place.start().await;
    let address = running.address();
    let make = || create_database(address, "house", "house_own", &["house_run", "house_jobs"]);
    make().await.unwrap();
    connect(address)
        .await
        .batch_execute("alter role house_run superuser bypassrls createdb createrole replication")
        .await
        .unwrap();
    make().await.unwrap();
    let (one, two) = tokio::join!(make(), make());
    one.and(two).unwrap();
    let rights = "select string_agg(concat_ws(' ', rolname, rolsuper, rolbypassrls, rolcreatedb, rolcreaterole, \
                  rolreplication, rolcanlogin), ', ' order by rolname) from pg_roles where rolname like 'house%'";
    assert_eq!(text(address, rights).await, "house_jobs f f f f f t, house_own f f f f f t, house_run f f f f f t");
    assert_eq!(
        text(address, "select pg_get_userbyid(datdba)::text from pg_database where datname = 'house'").await,
        "house_own"
    );
    assert!(create_database(address, "house; drop", "house_own", &[]).await.is_err());
    running.stop().await.unwrap();
}

/// DESIGN, 7. Every way in which PostgreSQL is known to put a value into its log.
#[tokio::test]
async fn no_value_of_a_statement_reaches_the_log() {
    const CANARY: &str = "Canary-Thandeka-8201015800083";
    let place = Place::new();
    let running = place.start().await;
    let client = connect(running.address()).await;
    client.batch_execute("create table people (name text unique, n int)").await.unwrap();
    let insert = client.prepare_typed("insert into people (name) values ($1)", &[Type::TEXT]).await.unwrap();
    client.execute(&insert, &[&CANARY]).await.unwrap();
    // A detail names the key; a bad cast names the value in its first line; a raised error is free text.
    client.execute(&insert, &[&CANARY]).await.unwrap_err();
    client.query("select $1::text::int", &[&CANARY]).await.unwrap_err();
    client.batch_execute(&format!("select '{CANARY}'::uuid")).await.unwrap_err();
    client.batch_execute(&format!("do $$ begin raise exception '{CANARY}'; end $$")).await.unwrap_err();
    client.batch_execute(&format!("do $$ begin raise warning '{CANARY}'; end $$")).await.unwrap();
    client.batch_execute(&format!("insert into people values ('{CANARY}', 'x')")).await.unwrap_err();
    client.batch_execute(&format!("set application_name = '{CANARY}'")).await.unwrap();
    client.batch_execute(&format!("syntax {CANARY}")).await.unwrap_err();

    // A deadlock's report quotes both statements.
    let (one, two) = (connect(running.address()).await, connect(running.address()).await);
    client.batch_execute("insert into people values ('a', 1), ('b', 2)").await.unwrap();
    let update = |name: &str| format!("update people set n = n + 1 where name = '{name}' and name <> '{CANARY}'");
    one.batch_execute(&format!("begin; {}", update("a"))).await.unwrap();
    two.batch_execute(&format!("begin; {}", update("b"))).await.unwrap();
    let (waits_b, waits_a) = (update("b"), update("a"));
    let (first, second) = tokio::join!(one.batch_execute(&waits_b), async {
        let result = two.batch_execute(&waits_a).await;
        two.batch_execute("rollback").await.unwrap();
        result
    });
    assert_ne!(first.is_err(), second.is_err(), "one of them was the victim of a deadlock");

    // A crash's report quotes what the process was running.
    let victim = connect(running.address()).await;
    let pid: i32 = victim.query_one("select pg_backend_pid()", &[]).await.unwrap().get(0);
    let asleep = tokio::spawn(async move { victim.batch_execute(&format!("select pg_sleep(600), '{CANARY}'")).await });
    let active = "select count(*) from pg_stat_activity where pid = $1 and state = 'active'";
    while client.query_one(active, &[&pid]).await.unwrap().get::<_, i64>(0) == 0 {}
    kill_9(u32::try_from(pid).unwrap());
    asleep.await.unwrap().unwrap_err();
    until("the end of the killed process", || !is_alive(u32::try_from(pid).unwrap()));
    running.stop().await.unwrap();

    let mut read = String::new();
    for entry in std::fs::read_dir(place.folder().join("log")).unwrap() {
        read += &std::fs::read_to_string(entry.unwrap().path()).unwrap();
    }
    read += &std::fs::read_to_string(place.folder().join("start.log")).unwrap();
    assert!(read.contains("was terminated by signal 9"), "the log is written at all: {read}");
    assert!(!read.contains(CANARY), "{read}");
    assert!(!read.contains("people"), "{read}");
}

/// Removes the account that a test added.
struct Added(String);

impl Drop for Added {
    fn drop(&mut self) {
        let _ = Command::new("userdel").arg(&self.0).output();
    }
}

#[test]
fn a_system_account_is_made_once_said_and_then_found() {
    if !is_root() {
        return;
    }
    let name = format!("vs-test-{}", std::process::id());
    let _added = Added(name.clone());
    let home = Path::new("/nonexistent");
    let mut steps = Vec::new();
    let made = ensure_os_user(&name, home, |step| steps.push(step.to_owned())).unwrap();
    assert_eq!(steps.len(), 1);
    assert!(steps.concat().contains(&name));
    assert_ne!(made.uid, 0);
    let found = ensure_os_user(&name, home, |step| panic!("said {step}")).unwrap();
    assert_eq!(found, made);
    assert!(ensure_os_user("root", home, |_| {}).is_err());
}
