//! Starting, stopping, starting again.

use std::time::{Duration, Instant};

use cluster::{Stopped, find_os_user, start};

use crate::harness::{Helper, Place, connect, helper_folder, is_alive, is_root, say, settings, text, until};

#[tokio::test]
async fn a_first_start_makes_a_whole_cluster_and_the_second_is_quick() {
    let place = Place::new();
    let at = Instant::now();
    let mut steps = Vec::new();
    let running = start(place.settings(), |step| steps.push(step.to_owned())).await.unwrap();
    let first = at.elapsed();
    assert!(steps.iter().any(|step| step.contains("new database folder")), "{steps:?}");
    for (setting, expected) in [
        ("data_checksums", "on"),
        ("server_encoding", "UTF8"),
        ("fsync", "on"),
        ("listen_addresses", ""),
        ("log_parameter_max_length", "0"),
        ("log_parameter_max_length_on_error", "0"),
        ("log_min_error_statement", "panic"),
        ("log_error_verbosity", "terse"),
    ] {
        assert_eq!(text(running.address(), &format!("show {setting}")).await, expected, "{setting}");
    }
    let locale = "select datcollate from pg_database where datname = current_database()";
    assert_eq!(text(running.address(), locale).await, "C.UTF-8");
    connect(running.address())
        .await
        .batch_execute("create table kept (n int); insert into kept values (7)")
        .await
        .unwrap();
    assert_eq!(running.stop().await.unwrap(), Stopped::Clean);

    let at = Instant::now();
    let running = place.start().await;
    let second = at.elapsed();
    assert_eq!(text(running.address(), "select n::text from kept").await, "7");
    let at = Instant::now();
    assert_eq!(running.stop().await.unwrap(), Stopped::Clean);
    let stop = at.elapsed();
    eprintln!("first start {first:?}, second {second:?}, stop {stop:?}");
    assert!(second < Duration::from_secs(10), "{second:?}");
}

#[tokio::test]
async fn nothing_listens_on_the_network_even_when_alter_system_asks_for_it() {
    let place = Place::new();
    let running = place.start().await;
    let client = connect(running.address()).await;
    client.batch_execute("alter system set listen_addresses = '*'").await.unwrap();
    client.batch_execute("alter system set log_min_error_statement = 'debug5'").await.unwrap();
    running.stop().await.unwrap();
    let running = place.start().await;
    assert_eq!(text(running.address(), "show listen_addresses").await, "");
    assert_eq!(text(running.address(), "show log_min_error_statement").await, "panic");
    let held: Vec<String> = std::fs::read_dir(format!("/proc/{}/fd", running.pid()))
        .unwrap()
        .filter_map(|fd| std::fs::read_link(fd.unwrap().path()).ok()?.to_str().map(str::to_owned))
        .filter_map(|link| link.strip_prefix("socket:[")?.strip_suffix(']').map(str::to_owned))
        .collect();
    assert!(!held.is_empty(), "the Unix socket at least");
    for table in ["tcp", "tcp6", "udp", "udp6"] {
        let text = std::fs::read_to_string(format!("/proc/net/{table}")).unwrap_or_default();
        let network: Vec<&str> = text.lines().filter_map(|line| line.split_whitespace().nth(9)).collect();
        assert!(held.iter().all(|inode| !network.contains(&inode.as_str())), "{table}");
    }
    running.stop().await.unwrap();
}

#[tokio::test]
async fn a_stop_ends_open_transactions_and_is_clean() {
    let place = Place::new();
    let running = place.start().await;
    let client = connect(running.address()).await;
    client.batch_execute("create table t (n int); begin; insert into t values (1)").await.unwrap();
    let pid = running.pid();
    assert_eq!(running.stop().await.unwrap(), Stopped::Clean);
    assert!(!is_alive(pid));
    assert!(client.batch_execute("commit").await.is_err());
}

#[tokio::test]
async fn a_dropped_server_is_stopped_and_its_folder_becomes_free() {
    let place = Place::new();
    let running = place.start().await;
    let pid = running.pid();
    drop(running);
    until("the end of the dropped server", || !is_alive(pid));
    place.start().await.stop().await.unwrap();
}

#[tokio::test]
async fn a_folder_whose_path_is_too_long_for_a_socket_or_full_of_signs_serves_all_the_same() {
    let place = Place::new();
    let odd = place.path().join("a b, it's \"quoted\" \\ and #");
    let running = start(settings(&odd), |_| {}).await.unwrap();
    assert_eq!(text(running.address(), "select 'here'").await, "here");
    running.stop().await.unwrap();

    let long = place.path().join("a-long-name-of-a-folder-".repeat(5)).join("pg");
    std::fs::create_dir(long.parent().unwrap()).unwrap();
    let running = start(settings(&long), |_| {}).await.unwrap();
    let sockets = running.socket_dir().to_owned();
    assert!(!sockets.starts_with(&long), "{}", sockets.display());
    assert_eq!(text(running.address(), "select 'here'").await, "here");
    running.stop().await.unwrap();
    std::fs::remove_dir_all(sockets).unwrap();
}

/// Both ways of starting are tested on a machine where the tests run as root.
#[test]
fn as_an_ordinary_user_the_server_runs_as_that_user() {
    let place = Place::new();
    let account = is_root().then(|| find_os_user("nobody").unwrap().unwrap());
    // The build folder may be closed to others.
    let binary = place.path().join("tests");
    std::fs::copy(std::env::current_exe().unwrap(), &binary).unwrap();
    let home = place.path().join("home");
    std::fs::create_dir(&home).unwrap();
    if let Some(account) = &account {
        std::os::unix::fs::chown(&home, Some(account.uid), Some(account.gid)).unwrap();
    }
    let mut helper =
        Helper::run(&binary, account.as_ref(), "life::helper_starts_twice_as_an_ordinary_user", &home.join("pg"));
    assert_eq!(helper.hear(), "on, and again on");
}

#[tokio::test]
#[ignore = "run by as_an_ordinary_user_the_server_runs_as_that_user"]
async fn helper_starts_twice_as_an_ordinary_user() {
    let Some(folder) = helper_folder() else { return };
    let first = start(settings(&folder), |_| {}).await.unwrap();
    let one = text(first.address(), "show data_checksums").await;
    first.stop().await.unwrap();
    let second = start(settings(&folder), |_| {}).await.unwrap();
    let two = text(second.address(), "show data_checksums").await;
    second.stop().await.unwrap();
    say(&format!("{one}, and again {two}"));
}
