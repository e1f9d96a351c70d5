//! Against mail servers that take, stall, refuse and break off, each a real one on a port.

use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

use jiff::SignedDuration;
use store::{Role, Roles};
use testkit::House;

use super::*;

/// What a server does.
#[derive(Clone, Copy, PartialEq)]
enum Manner {
    Takes,
    /// Accepts the connection and says nothing.
    SaysNothing,
    /// Takes the whole letter and never says that it has.
    StallsAtTheEnd,
    /// "Try later."
    RefusesForAWhile,
    /// "Never."
    RefusesForGood,
    /// Takes the whole letter and closes the connection instead of saying so.
    BreaksOff,
}

/// A mail server, and the letters that it was given.
struct MailServer {
    port: u16,
    manner: Arc<Mutex<Manner>>,
    letters: Arc<Mutex<Vec<String>>>,
}

impl MailServer {
    fn that(manner: Manner) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let (manner, letters) = (Arc::new(Mutex::new(manner)), Arc::new(Mutex::new(Vec::new())));
        let (now, kept) = (Arc::clone(&manner), Arc::clone(&letters));
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (manner, kept) = (*now.lock().unwrap(), Arc::clone(&kept));
                std::thread::spawn(move || talk(stream, manner, &kept));
            }
        });
        Self { port, manner, letters }
    }

    fn now(&self, manner: Manner) {
        *self.manner.lock().unwrap() = manner;
    }

    fn letters(&self) -> Vec<String> {
        self.letters.lock().unwrap().clone()
    }

    fn post(&self) -> Post {
        Post::Server {
            host: "127.0.0.1".into(),
            port: self.port,
            tls: MailTls::None,
            user: None,
            from: "Vouchsafe <vouchsafe@house.example>".into(),
            timeout_seconds_max: 1,
        }
    }
}

fn talk(mut stream: TcpStream, manner: Manner, letters: &Mutex<Vec<String>>) -> Option<()> {
    let mut lines = BufReader::new(stream.try_clone().ok()?).lines();
    let mut say = |line: &str| stream.write_all(format!("{line}\r\n").as_bytes()).ok();
    if manner == Manner::SaysNothing {
        lines.next();
        return None;
    }
    say("220 mail.example")?;
    while let Some(Ok(line)) = lines.next() {
        let verb = line.split([' ', ':']).next().unwrap_or_default().to_uppercase();
        match verb.as_str() {
            "RCPT" if manner == Manner::RefusesForAWhile => say("451 4.2.1 try later")?,
            "RCPT" if manner == Manner::RefusesForGood => say("550 5.1.1 nobody of that name")?,
            "DATA" => {
                say("354 go on")?;
                let text: Vec<String> = lines.by_ref().map_while(Result::ok).take_while(|line| line != ".").collect();
                letters.lock().unwrap().push(text.join("\n"));
                match manner {
                    Manner::StallsAtTheEnd => {
                        lines.next();
                        return None;
                    }
                    Manner::BreaksOff => return None,
                    _ => say("250 taken")?,
                }
            }
            "QUIT" => return say("221 bye"),
            _ => say("250 mail.example")?,
        }
    }
    Some(())
}

/// A practice with one letter waiting: an invitation.
async fn waiting(house: &House) -> (PracticeId, String) {
    let practice = house.practice().await;
    let email = invite(house, practice).await;
    (practice, email)
}

/// One more letter: an invitation to somebody new.
async fn invite(house: &House, practice: PracticeId) -> String {
    let owner = house.signed_in(practice, &[Role::Owner]).await;
    let email = format!("{}@example.org", house.unique("invited"));
    let roles = Roles::of([Role::Reception]);
    house.identity().invite(&owner.me, &email, "Zoë Müller", roles, house.key()).await.unwrap();
    email
}

fn sender(house: &House, server: &MailServer) -> Sender {
    Sender::new(house.store.clone(), &server.post()).unwrap()
}

async fn deliver(house: &House, server: &MailServer, practice: PracticeId) {
    sender(house, server).deliver(practice, &CancellationToken::new()).await.unwrap();
}

#[tokio::test]
async fn a_letter_goes_once_to_whom_it_is_for() {
    let (house, server) = (House::open().await, MailServer::that(Manner::Takes));
    let (practice, email) = waiting(&house).await;
    deliver(&house, &server, practice).await;
    deliver(&house, &server, practice).await;
    house.wait(SignedDuration::from_hours(3));
    deliver(&house, &server, practice).await;
    let letters = server.letters();
    assert_eq!(letters.len(), 1);
    assert!(letters[0].contains(&format!("To: {email}")), "{}", letters[0]);
    assert!(
        letters[0].contains("From: Vouchsafe <vouchsafe@house.example>") && letters[0].contains("Date: "),
        "{}",
        letters[0]
    );
}

#[tokio::test]
async fn a_server_that_stalls_refuses_or_says_nothing_costs_time_and_no_letter() {
    for manner in [Manner::SaysNothing, Manner::RefusesForAWhile, Manner::RefusesForGood] {
        let (house, server) = (House::open().await, MailServer::that(manner));
        let (practice, _) = waiting(&house).await;
        deliver(&house, &server, practice).await;
        assert_eq!(server.letters().len(), 0);
        server.now(Manner::Takes);
        deliver(&house, &server, practice).await;
        assert_eq!(server.letters().len(), 0, "not before its time");
        house.wait(SignedDuration::from_mins(3));
        deliver(&house, &server, practice).await;
        assert_eq!(server.letters().len(), 1);
    }
}

#[tokio::test]
async fn a_letter_that_was_taken_without_a_word_is_sent_once_more() {
    for manner in [Manner::StallsAtTheEnd, Manner::BreaksOff] {
        let (house, server) = (House::open().await, MailServer::that(manner));
        let (practice, _) = waiting(&house).await;
        deliver(&house, &server, practice).await;
        server.now(Manner::Takes);
        house.wait(SignedDuration::from_mins(3));
        deliver(&house, &server, practice).await;
        house.wait(SignedDuration::from_hours(3));
        deliver(&house, &server, practice).await;
        assert_eq!(server.letters().len(), 2);
    }
}

#[tokio::test]
async fn nobody_listening_is_told_in_the_log_and_tried_again() {
    let (house, server) = (House::open().await, MailServer::that(Manner::Takes));
    let (practice, _) = waiting(&house).await;
    let Post::Server { host, tls, user, from, timeout_seconds_max, .. } = server.post() else { panic!("a server") };
    // Port 1 is nobody's.
    let gone = Post::Server { host, port: 1, tls, user, from, timeout_seconds_max };
    Sender::new(house.store.clone(), &gone).unwrap().deliver(practice, &CancellationToken::new()).await.unwrap();
    house.wait(SignedDuration::from_mins(3));
    deliver(&house, &server, practice).await;
    assert_eq!(server.letters().len(), 1);
}

#[tokio::test]
async fn a_server_without_starttls_is_never_given_a_letter_where_it_is_required() {
    let (house, server) = (House::open().await, MailServer::that(Manner::Takes));
    let (practice, _) = waiting(&house).await;
    let Post::Server { host, port, user, from, timeout_seconds_max, .. } = server.post() else { panic!("a server") };
    let careful = Post::Server { host, port, tls: MailTls::Starttls, user, from, timeout_seconds_max };
    Sender::new(house.store.clone(), &careful).unwrap().deliver(practice, &CancellationToken::new()).await.unwrap();
    assert_eq!(server.letters().len(), 0);
}

#[tokio::test]
async fn in_a_demonstration_letters_become_files() {
    let house = House::open().await;
    let (practice, email) = waiting(&house).await;
    let folder = tempfile::tempdir().unwrap();
    let post = Post::Folder { folder: folder.path().to_owned(), from: "Vouchsafe <vouchsafe@localhost>".into() };
    Sender::new(house.store.clone(), &post).unwrap().deliver(practice, &CancellationToken::new()).await.unwrap();
    let files: Vec<_> = std::fs::read_dir(folder.path()).unwrap().map(|file| file.unwrap().path()).collect();
    assert_eq!(files.len(), 1);
    assert_eq!(files[0].extension().unwrap(), "eml");
    assert!(std::fs::read_to_string(&files[0]).unwrap().contains(&email));
}

#[tokio::test]
async fn a_damaged_letter_keeps_no_other_waiting() {
    let (house, server) = (House::open().await, MailServer::that(Manner::Takes));
    let (practice, damaged) = waiting(&house).await;
    let intruder = testkit::servers().await.superuser(testkit::DATA).await;
    let flip = format!(
        "set session_replication_role = replica;
         update outbox set message = set_byte(message, 40, get_byte(message, 40) # 1) where practice_id = '{practice}'"
    );
    intruder.batch_execute(&flip).await.unwrap();
    let well = invite(&house, practice).await;
    deliver(&house, &server, practice).await;
    let letters = server.letters();
    assert_eq!(letters.len(), 1);
    assert!(letters[0].contains(&well) && !letters[0].contains(&damaged));
}

#[tokio::test]
async fn a_letter_that_is_given_up_is_wiped() {
    let (house, server) = (House::open().await, MailServer::that(Manner::RefusesForGood));
    let (practice, _) = waiting(&house).await;
    for _ in 0..=store::ATTEMPTS_MAX {
        deliver(&house, &server, practice).await;
        house.wait(SignedDuration::from_hours(5));
    }
    let superuser = testkit::servers().await.superuser(testkit::DATA).await;
    let sql = format!("select state, length(message) from outbox where practice_id = '{practice}'");
    let row = superuser.query_one(&sql, &[]).await.unwrap();
    // "Nothing", sealed in the smallest bucket: 30 bytes before it, 32 of padding, 16 after.
    assert_eq!((row.get::<_, String>(0).as_str(), row.get::<_, i32>(1)), ("failed", 30 + 32 + 16));
}
