//! Killed servers, killed programs, and what they leave behind.

use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use cluster::{ClusterError, State, Stopped, Supervisor, start};

use crate::harness::{
    Helper, Place, connect, helper_folder, is_alive, is_root, kill_9, say, server_account, settings, text, until,
    wait_for_the_end,
};

/// Computes without ever looking up, and ends by itself should the test fail to end it.
const BUSY: &str = "do $$ begin while clock_timestamp() < now() + interval '1 minute' loop end loop; end $$";

/// A process of this test's, ended with it.
struct Started(Child);

impl Drop for Started {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A command that runs as the server's account and, unlike the supervisor's, outlives us.
fn as_server(program: &std::path::Path) -> Command {
    match server_account() {
        None => Command::new(program),
        Some(account) => {
            let mut command = Command::new("setpriv");
            command.arg(format!("--reuid={}", account.uid)).arg(format!("--regid={}", account.gid));
            command.arg("--clear-groups").arg("--").arg(program);
            command
        }
    }
}

#[tokio::test]
async fn what_was_committed_survives_a_kill_9_of_the_server() {
    let place = Place::new();
    let mut running = place.start().await;
    let client = connect(running.address()).await;
    client.batch_execute("create table kept (n int); insert into kept values (7)").await.unwrap();
    kill_9(running.pid());
    assert!(running.wait_exit().await.how.contains("SIGKILL"));
    assert!(place.data().join("postmaster.pid").exists(), "the stale file is what this test is about");
    drop(running);
    let at = Instant::now();
    let running = place.start().await;
    eprintln!("start after kill -9 {:?}", at.elapsed());
    assert_eq!(text(running.address(), "select n::text from kept").await, "7");
    running.stop().await.unwrap();
}

#[tokio::test]
async fn a_supervised_server_comes_back_after_each_kill_9_at_the_same_address() {
    let place = Place::new();
    let supervisor = Supervisor::start(place.settings(), |_| {}).await.unwrap();
    connect(supervisor.address()).await.batch_execute("create table kept (n int)").await.unwrap();
    let mut state = supervisor.state();
    for round in 1..=5_u64 {
        connect(supervisor.address()).await.batch_execute("insert into kept values (1)").await.unwrap();
        let State::Up { pid, .. } = state.borrow_and_update().clone() else { panic!("not up") };
        let at = Instant::now();
        kill_9(pid);
        let again = |state: &State| matches!(state, State::Up { restarts, .. } if *restarts == round);
        tokio::time::timeout(Duration::from_secs(30), state.wait_for(again)).await.unwrap().unwrap();
        eprintln!("back after {:?}", at.elapsed());
        assert_eq!(text(supervisor.address(), "select count(*)::text from kept").await, round.to_string());
    }
    assert_eq!(supervisor.stop().await.unwrap(), Stopped::Clean);
    assert_eq!(*state.borrow(), State::Stopped);
    place.start().await.stop().await.unwrap();
}

#[tokio::test]
async fn a_killed_session_does_not_end_the_server() {
    let place = Place::new();
    let running = place.start().await;
    let backend: i32 = connect(running.address()).await.query_one("select pg_backend_pid()", &[]).await.unwrap().get(0);
    let before = running.pid();
    // Its connection was dropped with the client; any other backend will do as well.
    let victim = connect(running.address()).await;
    let pid: i32 = victim.query_one("select pg_backend_pid()", &[]).await.unwrap().get(0);
    assert_ne!(pid, backend);
    kill_9(u32::try_from(pid).unwrap());
    // PostgreSQL restarts its own parts; new connections are refused until it has recovered.
    let deadline = Instant::now() + Duration::from_secs(30);
    let config = running.address().config("postgres", running.superuser());
    while victim.simple_query("select 1").await.is_ok() || config.connect(tokio_postgres::NoTls).await.is_err() {
        assert!(Instant::now() < deadline);
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    assert_eq!(running.pid(), before);
    running.stop().await.unwrap();
}

#[tokio::test]
async fn a_stale_pid_file_that_names_another_living_process_is_not_taken_for_a_server() {
    let place = Place::new();
    place.start().await.stop().await.unwrap();
    // Of the same account, so that PostgreSQL itself would believe it.
    let mut stranger = Started(as_server("sleep".as_ref()).arg("600").spawn().unwrap());
    let pid_file = place.data().join("postmaster.pid");
    let text_before = format!("{}\n{}\n0\n5432\n\n\n  0  0\n", stranger.0.id(), place.data().display());
    std::fs::write(&pid_file, text_before).unwrap();
    if let Some(account) = server_account() {
        std::os::unix::fs::chown(&pid_file, Some(account.uid), Some(account.gid)).unwrap();
    }
    let running = place.start().await;
    assert_eq!(text(running.address(), "select 'up'").await, "up");
    running.stop().await.unwrap();
    assert_eq!(stranger.0.try_wait().unwrap(), None, "the stranger still lives");
}

#[tokio::test]
async fn a_server_that_outlived_its_program_is_stopped_and_started_anew() {
    let place = Place::new();
    let running = place.start().await;
    let postgres = running.binaries().dir.join("postgres");
    running.stop().await.unwrap();
    let config_file = format!("config_file={}", place.folder().join("conf/postgresql.conf").display());
    let survivor = as_server(&postgres)
        .arg("-D")
        .arg(place.data())
        .args(["-c", &config_file])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .process_group(0)
        .spawn()
        .unwrap();
    let mut survivor = Started(survivor);
    let socket = place.folder().join("sockets/.s.PGSQL.5432");
    until("the survivor's socket", || socket.exists());
    let mut steps = Vec::new();
    let running = start(place.settings(), |step| steps.push(step.to_owned())).await.unwrap();
    assert!(survivor.0.wait().unwrap().success(), "it was stopped cleanly");
    assert!(steps.iter().any(|step| step.contains("outlived")), "{steps:?}");
    assert_ne!(running.pid(), survivor.0.id());
    assert_eq!(text(running.address(), "select 'up'").await, "up");
    running.stop().await.unwrap();
}

#[tokio::test]
async fn a_busy_session_that_does_not_notice_its_servers_death_does_not_stop_the_next_start() {
    let place = Place::new();
    let mut running = place.start().await;
    let client = connect(running.address()).await;
    let pid: i32 = client.query_one("select pg_backend_pid()", &[]).await.unwrap().get(0);
    let busy = tokio::spawn(async move { client.batch_execute(BUSY).await });
    let watcher = connect(running.address()).await;
    let active = "select count(*) from pg_stat_activity where pid = $1 and state = 'active'";
    while watcher.query_one(active, &[&pid]).await.unwrap().get::<_, i64>(0) == 0 {}
    kill_9(running.pid());
    running.wait_exit().await;
    drop(running);
    assert!(is_alive(u32::try_from(pid).unwrap()), "a loop does not look whether the postmaster lives");
    let running = place.start().await;
    assert!(!is_alive(u32::try_from(pid).unwrap()));
    assert!(busy.await.unwrap().is_err());
    running.stop().await.unwrap();
}

/// Root in a container, as it usually is there.
#[test]
fn without_the_right_to_look_into_others_processes_leftovers_are_still_found() {
    if !is_root() {
        return;
    }
    for test in [
        "crash::a_server_that_outlived_its_program_is_stopped_and_started_anew",
        "crash::a_busy_session_that_does_not_notice_its_servers_death_does_not_stop_the_next_start",
    ] {
        let output = Command::new("setpriv")
            .args(["--bounding-set=-sys_ptrace", "--"])
            .arg(std::env::current_exe().unwrap())
            .args(["--exact", test])
            .output()
            .unwrap();
        assert!(output.status.success(), "{test}: {}", String::from_utf8_lossy(&output.stdout));
    }
}

#[tokio::test]
async fn a_single_user_session_is_left_alone_and_named() {
    let place = Place::new();
    let running = place.start().await;
    let postgres = running.binaries().dir.join("postgres");
    running.stop().await.unwrap();
    let session = as_server(&postgres)
        .args(["--single", "-D"])
        .arg(place.data())
        .arg("postgres")
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut session = Started(session);
    let pid_file = place.data().join("postmaster.pid");
    until("the session's pid file", || std::fs::read_to_string(&pid_file).is_ok_and(|text| text.starts_with('-')));
    let error = start(place.settings(), |_| {}).await.unwrap_err();
    assert!(matches!(error, ClusterError::Unsure { pid, .. } if pid == session.0.id()), "{error}");
    assert_eq!(session.0.try_wait().unwrap(), None);
    drop(session.0.stdin.take());
    session.0.wait().unwrap();
    place.start().await.stop().await.unwrap();
}

#[tokio::test]
async fn a_kill_9_of_the_program_takes_the_server_along_and_the_next_start_has_all_that_was_committed() {
    let place = Place::new();
    let mut helper =
        Helper::run(&std::env::current_exe().unwrap(), None, "crash::helper_holds_a_cluster", &place.folder());
    let pid: u32 = helper.hear().parse().unwrap();
    assert!(is_alive(pid));
    helper.kill_9();
    // At once, while the server may still be stopping.
    let at = Instant::now();
    let running = place.start().await;
    eprintln!("start after kill -9 of the program {:?}", at.elapsed());
    assert!(!is_alive(pid));
    assert_eq!(text(running.address(), "select n::text from kept").await, "7");
    running.stop().await.unwrap();

    let mut helper =
        Helper::run(&std::env::current_exe().unwrap(), None, "crash::helper_holds_a_cluster", &place.folder());
    let pid: u32 = helper.hear().parse().unwrap();
    helper.kill_9();
    until("the end of the server without another start", || !is_alive(pid));
    assert!(!place.data().join("postmaster.pid").exists(), "it stopped cleanly");
}

#[tokio::test]
#[ignore = "run by tests that kill it"]
async fn helper_holds_a_cluster() {
    let Some(folder) = helper_folder() else { return };
    let running = start(settings(&folder), |_| {}).await.unwrap();
    let client = connect(running.address()).await;
    client
        .batch_execute("drop table if exists kept; create table kept (n int); insert into kept values (7)")
        .await
        .unwrap();
    say(&running.pid().to_string());
    wait_for_the_end();
}

#[tokio::test]
async fn an_initdb_killed_midway_leaves_nothing_that_is_taken_for_data() {
    let place = Place::new();
    for made_so_far in ["PG_VERSION", "global/pg_control", "base/1/pg_filenode.map"] {
        let mut helper =
            Helper::run(&std::env::current_exe().unwrap(), None, "crash::helper_holds_a_cluster", &place.folder());
        let sign = place.folder().join("data.half").join(made_so_far);
        until(made_so_far, || sign.exists());
        helper.kill_9();
        assert!(!place.data().exists(), "killed at {made_so_far}");
    }
    let running = place.start().await;
    assert!(!place.folder().join("data.half").exists());
    assert_eq!(text(running.address(), "show data_checksums").await, "on");
    running.stop().await.unwrap();
}
