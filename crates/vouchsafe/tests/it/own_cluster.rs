//! Starting, stopping, crashing and coming back, with servers of its own.

use rustix::process::Signal;

use crate::harness::{
    Browser, Place, Program, RUNS, children_of, free_port, is_root, postmaster, processes_of, program, said, signal,
    until,
};

#[test]
fn it_stops_cleanly_on_sigterm_and_starts_again_on_the_same_data() {
    let place = Place::with_key();
    let program = place.serving();
    place.answers();
    let founded = place.run(&[
        "practice",
        "create",
        "rivonia",
        "--name",
        "Rivonia Rooms",
        "--time-zone",
        "Africa/Johannesburg",
        "--country",
        "ZA",
    ]);
    assert!(founded.status.success(), "{founded:?}");
    program.stops();
    assert_eq!(processes_of(&place), [], "nothing is left running");

    let program = place.serving();
    place.answers();
    let listed = place.run(&["practice", "list"]);
    assert!(said(&listed).contains("Rivonia Rooms"), "{listed:?}");
    let heard = program.stops().join("\n");
    assert!(!heard.contains("migrations"), "the schema was there: {heard}");
}

#[test]
fn a_second_one_on_the_same_folder_is_refused_and_the_first_goes_on() {
    let place = Place::with_key();
    let first = place.serving();
    let mut second = place.serve();
    assert_eq!(second.ends().code(), Some(1));
    let heard = second.heard.join("\n");
    assert!(heard.contains("runs on") && heard.contains(&first.pid().to_string()), "{heard}");
    place.answers();
    first.stops();
}

#[test]
fn killed_with_9_it_leaves_nothing_that_the_next_start_trips_over() {
    let place = Place::with_key();
    let mut program = place.serving();
    for _ in 0..2 {
        place.answers();
        program.kill_9();
        program = place.serving();
    }
    place.answers();
    program.stops();
    assert_eq!(processes_of(&place), []);
}

#[test]
fn servers_that_are_killed_come_back_and_pages_are_answered_again() {
    let place = Place::with_key();
    let program = place.serving();
    place.answers();
    let before = [postmaster(&place, "data"), postmaster(&place, "keyring")];
    for pid in before {
        signal(pid, Signal::KILL);
    }
    until("new servers", || {
        let file = |server: &str| place.path("data").join(format!("pg-{server}/data/postmaster.pid"));
        ["data", "keyring"]
            .iter()
            .all(|server| std::fs::read_to_string(file(server)).is_ok_and(|text| text.lines().count() >= 8))
            && postmaster(&place, "data") != before[0]
            && postmaster(&place, "keyring") != before[1]
    });
    place.answers();
    program.stops();
}

#[test]
fn as_root_the_application_has_an_account_of_its_own_and_is_started_again_when_it_dies() {
    if !is_root() {
        return;
    }
    let place = Place::with_key();
    let program = place.serving();
    place.answers();
    let application = || children_of(program.pid(), "as-application").first().copied();
    let status = |pid: u32, name: &str| {
        let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
        let line = status.lines().find(|line| line.starts_with(name)).unwrap();
        line.split_whitespace().nth(1).unwrap().to_owned()
    };
    let first = application().expect("an application");
    let daemon = cluster::find_os_user("daemon").unwrap().unwrap();
    assert_eq!(status(first, "Uid:"), daemon.uid.to_string());
    assert_eq!((status(first, "CapEff:"), status(first, "NoNewPrivs:")), ("0000000000000000".into(), "1".into()));
    let words = std::fs::read_to_string(format!("/proc/{first}/cmdline")).unwrap();
    assert_eq!(words.matches('\0').count(), 2, "its command line says nothing: {words:?}");

    signal(first, Signal::KILL);
    until("another application", || application().is_some_and(|pid| pid != first));
    place.answers();
    program.stops();
}

#[test]
fn a_port_that_is_taken_ends_the_start_and_stops_the_servers() {
    let place = Place::with_key();
    let _taken = std::net::TcpListener::bind(("127.0.0.1", place.port)).unwrap();
    let mut program = place.serve();
    assert_eq!(program.ends().code(), Some(1));
    let heard = program.heard.join("\n");
    assert!(heard.contains("web.listen: cannot listen on") && heard.contains("use another port"), "{heard}");
    assert_eq!(processes_of(&place), []);
}

#[test]
fn the_host_founds_a_practice_and_invites_its_first_owner_beside_the_running_house() {
    let place = Place::with_key();
    let program = place.serving();
    let create = |slug: &str, zone: &str| {
        place.run(&["practice", "create", slug, "--name", "Zorg & Co", "--time-zone", zone, "--country", "NL"])
    };
    assert!(said(&create("zorg", "Mars/Olympus")).contains("write the time zone by its IANA name"));
    let founded = create("zorg", "Europe/Amsterdam");
    assert!(founded.status.success() && said(&founded).contains("vouchsafe person invite zorg"), "{founded:?}");
    assert!(said(&create("zorg", "Europe/Amsterdam")).contains("there is a practice called zorg already"));

    let invite = |role: &str| {
        place.run(&["person", "invite", "zorg", "anna@zorg.example", "--name", "Anna Visser", "--role", role])
    };
    assert!(said(&invite("boss")).contains("roles are owner, administrator"));
    let invited = invite("owner");
    let link = format!("https://localhost:{}/invitation/", place.port);
    assert!(invited.status.success() && said(&invited).contains(&link), "{invited:?}");
    assert!(said(&place.run(&["person", "list", "nowhere"])).contains("there is no practice nowhere"));
    assert!(place.run(&["person", "list", "zorg"]).status.success());
    let status = place.run(&["keys", "status"]);
    assert!(status.status.success() && said(&status).contains("2 keys of practices open"), "{status:?}");
    program.stops();
}

#[test]
fn a_demonstration_starts_twice_and_the_second_time_changes_nothing() {
    let place = Place::new();
    let up = || {
        let mut command = as_nobody(&place);
        Program::start(command.args(["up", "--port", &place.port.to_string(), "--folder"]).arg(place.path("demo/data")))
    };
    let mut first = up();
    first.hear(RUNS);
    let people = std::fs::read(place.path("demo/data-keys/application/people.json")).unwrap();
    let authority = std::fs::read(place.path("demo/data-keys/vouchsafe-local-ca.crt")).unwrap();
    let code = as_nobody(&place)
        .args(["demo", "code", "mei@harbour.example", "--folder"])
        .arg(place.path("demo/data"))
        .output()
        .unwrap();
    assert!(code.status.success() && said(&code).trim()[..6].parse::<u32>().is_ok(), "{code:?}");
    let shown = first.heard.join("\n");
    for words in ["lerato@rosebank.example", "priya@ledgers.example", "update-ca-certificates", "certutil", "demo code"]
    {
        assert!(shown.contains(words), "{words}: {shown}");
    }
    // A letter becomes a file, and leaves the outbox.
    let ca = String::from_utf8(authority.clone()).unwrap();
    let asked = Browser::trusting(&ca).fill(place.port, "/reset", "email=mei%40harbour.example");
    assert!(asked.as_deref().is_some_and(|page| page.starts_with("HTTP/1.1 200")), "{asked:?}");
    let letters = || std::fs::read_dir(place.path("demo/data-mail")).unwrap().flatten().map(|file| file.path());
    until("a letter", || {
        letters().any(|file| std::fs::read_to_string(file).is_ok_and(|text| text.contains("To: mei@harbour.example")))
    });
    first.stops();

    let mut second = up();
    second.hear(RUNS);
    assert_eq!(std::fs::read(place.path("demo/data-keys/application/people.json")).unwrap(), people);
    assert_eq!(std::fs::read(place.path("demo/data-keys/vouchsafe-local-ca.crt")).unwrap(), authority);
    let shown = second.heard.join("\n");
    assert!(shown.contains("lerato@rosebank.example") && !shown.contains("making"), "{shown}");
    second.stops();

    // The root key lies outside the data; without it, the data is not opened with another one.
    std::fs::remove_file(place.path("demo/data-keys/application/root.key")).unwrap();
    let mut third = up();
    assert_eq!(third.ends().code(), Some(1));
    let heard = third.heard.join("\n");
    assert!(heard.contains("its root key") && heard.contains("--fresh"), "{heard}");
}

#[test]
fn plain_http_is_sent_on_and_the_log_is_json_in_a_file() {
    use std::io::{Read, Write};
    let place = Place::with_key();
    let port = free_port();
    let log = place.path("house.log");
    place.write_settings(&format!("[log]\nformat = \"json\"\nfile = \"{}\"\n", log.display()));
    let settings = std::fs::read_to_string(place.settings()).unwrap();
    let settings = settings.replace("[web]\n", &format!("[web]\nredirect_listen = \"127.0.0.1:{port}\"\n"));
    std::fs::write(place.settings(), settings).unwrap();
    let program = place.serving();
    place.answers();
    let mut plain = std::net::TcpStream::connect(("127.0.0.1", port)).unwrap();
    plain.write_all(b"GET /patients?q=canary HTTP/1.1\r\nHost: localhost\r\n\r\n").unwrap();
    let mut answer = String::new();
    plain.read_to_string(&mut answer).unwrap();
    assert!(
        answer.starts_with("HTTP/1.1 308")
            && answer.contains(&format!("https://localhost:{}/patients?q=canary", place.port)),
        "{answer}"
    );
    assert!(place.browser().get(place.port, "/patients?q=canary").is_some());
    program.stops();
    let written = std::fs::read_to_string(&log).unwrap();
    assert!(written.lines().count() > 3 && written.contains("\"serving\"") && !written.contains("canary"), "{written}");
    for line in written.lines() {
        assert!(serde_json::from_str::<serde_json::Value>(line).is_ok(), "{line}");
    }
}

#[test]
fn keys_are_turned_while_it_serves_and_it_starts_again_under_them() {
    let place = Place::with_key();
    let program = place.serving();
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
    let key = std::fs::read(place.path("keys/root.key")).unwrap();
    let root = place.run(&["keys", "rotate", "--root"]);
    assert!(root.status.success() && said(&root).contains("epoch 2"), "{root:?}");
    assert_ne!(std::fs::read(place.path("keys/root.key")).unwrap(), key);
    let turned = place.run(&["keys", "rotate", "--practice", "zorg"]);
    assert!(turned.status.success() && said(&turned).contains("version 2 in use"), "{turned:?}");
    assert!(said(&place.run(&["keys", "rotate"])).contains("--practice SLUG, --all or --root"));
    let good = |when: &str| {
        let status = place.run(&["keys", "status"]);
        assert!(status.status.success() && said(&status).contains("2 keys of practices open"), "{when}: {status:?}");
        assert!(said(&place.run(&["practice", "list"])).contains("Zorg"), "{when}");
    };
    good("while it serves");
    place.answers();
    program.stops();
    let program = place.serving();
    good("after another start");
    program.stops();

    // The file of before the turn lacks the root key that wraps now.
    std::fs::write(place.path("keys/root.key"), key).unwrap();
    let mut program = place.serve();
    assert_eq!(program.ends().code(), Some(1));
    assert!(
        program.heard.join("\n").contains("the root key of epoch 2 is not in the key service"),
        "{:?}",
        program.heard
    );
}

/// The program as an ordinary account, in a folder of that account.
fn as_nobody(place: &Place) -> std::process::Command {
    let demo = place.path("demo");
    std::fs::create_dir_all(&demo).unwrap();
    if !is_root() {
        return program();
    }
    let nobody = cluster::find_os_user("nobody").unwrap().unwrap();
    std::os::unix::fs::chown(&demo, Some(nobody.uid), Some(nobody.gid)).unwrap();
    let mut command = std::process::Command::new("setpriv");
    command
        .arg(format!("--reuid={}", nobody.uid))
        .arg(format!("--regid={}", nobody.gid))
        .args(["--clear-groups", "--"]);
    command.arg(env!("CARGO_BIN_EXE_vouchsafe"));
    command
}
