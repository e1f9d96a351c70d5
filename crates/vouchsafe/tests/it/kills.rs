//! Killed with signal 9 while it is written to, again and again: nothing acknowledged is lost, nothing is
//! done twice after a retry, nothing is changed without its event.

mod long {
    use std::collections::BTreeMap;
    use std::sync::Arc;
    use std::sync::Mutex;
    use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
    use std::time::{Duration, Instant};

    use rustix::process::Signal;
    use tokio::time::MissedTickBehavior;

    use crate::front::{Answer, Member, PASSWORD, found, invited, once};
    use crate::harness::{Place, Program, children_of, is_root, signal, until};
    use crate::servers::{number, postmaster_of, sql};

    const KILLS: usize = 20;
    /// Of the application alone: its watcher waits longer before each start, so as not to start for ever
    /// what cannot run.
    const KILLS_OF_THE_APPLICATION: usize = 5;
    const PEOPLE: usize = 4;
    const WRITERS: u32 = 20;
    const WRITES_PER_SECOND: u32 = 200;
    /// What is written before the next kill.
    const BETWEEN_KILLS: u64 = 200;

    /// What the writers were told, and how it went.
    #[derive(Default)]
    struct Told {
        /// The name that a patient has by now, and how often it was edited, by id.
        patients: Mutex<BTreeMap<String, (String, u64)>>,
        acknowledged: AtomicU64,
        /// Requests that were refused, turned away or broken off; each was sent again under its key.
        again: AtomicU64,
        /// When the latest of the requests that were acknowledged had been sent.
        latest: Mutex<Option<Instant>>,
        over: AtomicBool,
    }

    impl Told {
        /// Sends a form until its outcome is known, always under the same key.
        async fn surely(&self, member: &Member, path: &str, fields: &[(&str, &str)]) -> Answer {
            let once = once();
            let guard = [("csrf", member.csrf.as_str()), ("once", once.as_str())];
            let fields = [&guard, fields].concat();
            let mut again = tokio::time::interval(Duration::from_millis(50));
            loop {
                again.tick().await;
                let sent = Instant::now();
                match member.visitor.post(path, &fields).await {
                    Some(answer) if answer.status == 303 => {
                        self.acknowledged.fetch_add(1, Relaxed);
                        let mut latest = self.latest.lock().unwrap();
                        *latest = latest.max(Some(sent));
                        return answer;
                    }
                    Some(answer) if answer.status != 429 && answer.status < 500 => {
                        panic!("{path}: {} {}", answer.status, answer.body)
                    }
                    _ => self.again.fetch_add(1, Relaxed),
                };
            }
        }

        /// Adds patients and edits each once.
        async fn write(self: Arc<Self>, member: Arc<Member>, writer: u32) {
            let mut tick = tokio::time::interval(Duration::from_secs(1) * WRITERS / WRITES_PER_SECOND);
            tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
            for number in 0_u32.. {
                tick.tick().await;
                if self.over.load(Relaxed) {
                    return;
                }
                let family = family_name(writer, number);
                let particulars = [("family", family.as_str()), ("birth_date", "12/03/1980")];
                let added =
                    self.surely(&member, "/patients/new", &[&particulars[..], &[("given", "Before")]].concat()).await;
                let id = added.location.strip_prefix("/patients/").unwrap_or_else(|| panic!("{added:?}")).to_owned();
                let known = self.patients.lock().unwrap().insert(id.clone(), (format!("Before {family}"), 0));
                assert_eq!(known, None, "the id of another key");
                tick.tick().await;
                let path = format!("/patients/{id}/edit");
                let edit = [&particulars[..], &[("given", "After"), ("version", "1")]].concat();
                let edited = self.surely(&member, &path, &edit).await;
                assert_eq!(edited.location, added.location);
                self.patients.lock().unwrap().insert(id, (format!("After {family}"), 1));
            }
        }

        /// Waits until a request that was sent after this moment is acknowledged.
        fn answered_after(&self, moment: Instant) {
            until("a write", || self.latest.lock().unwrap().is_some_and(|sent| sent > moment));
        }

        /// Waits until so much more is written; gives the rate, in writes a second.
        fn writes_on(&self) -> f64 {
            let (begun, before) = (Instant::now(), self.acknowledged.load(Relaxed));
            until("writing", || self.acknowledged.load(Relaxed) >= before + BETWEEN_KILLS);
            let written = u32::try_from(self.acknowledged.load(Relaxed) - before).unwrap();
            f64::from(written) / begun.elapsed().as_secs_f64()
        }
    }

    /// A name that is not like any other: whoever is like somebody known is asked about first.
    fn family_name(writer: u32, number: u32) -> String {
        let both = (u64::from(writer) << 32) | u64::from(number);
        format!("{:016x}", both.wrapping_mul(0x9e37_79b9_7f4a_7c15).reverse_bits())
    }

    #[derive(Debug, Clone, Copy)]
    enum Victim {
        Program,
        Application,
        PostgreSql,
        Both,
    }

    impl Victim {
        fn kills(self) -> usize {
            match self {
                Self::Application if !is_root() => 0,
                Self::Application => KILLS_OF_THE_APPLICATION,
                _ => KILLS,
            }
        }

        /// Kills, and gives the moment at which what was killed is there again.
        fn dies(self, place: &Place, program: &mut Program) -> Instant {
            let servers = ["data", "keyring"];
            let before = servers.map(|server| postmaster_of(place, server).unwrap());
            if matches!(self, Self::PostgreSql | Self::Both) {
                for pid in before {
                    signal(pid, Signal::KILL);
                }
            }
            match self {
                Self::Program | Self::Both => {
                    program.kill_9();
                    *program = place.serving();
                }
                Self::Application => {
                    let application = || children_of(program.pid(), "as-application").first().copied();
                    let first = application().unwrap();
                    signal(first, Signal::KILL);
                    until("another application", || application().is_some_and(|pid| pid != first));
                }
                Self::PostgreSql => until("new servers", || {
                    servers
                        .into_iter()
                        .zip(before)
                        .all(|(server, old)| postmaster_of(place, server).is_some_and(|pid| pid != old))
                }),
            }
            Instant::now()
        }
    }

    #[test]
    #[ignore = "long: sixty kills and more, each with its recovery"]
    fn killed_while_two_hundred_writes_a_second_arrive_it_loses_nothing_and_does_nothing_twice() {
        let place = Place::with_key();
        let mut program = place.serving();
        found(&place, "rivonia", "Rivonia Rooms");
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        let people: Vec<Arc<Member>> = (0..PEOPLE)
            .map(|number| {
                let link = invited(&place, "rivonia", &format!("p{number}@rivonia.example"), &["practitioner"]);
                Arc::new(runtime.block_on(Member::joins(&place, &link, "Thandi Mbeki", PASSWORD)))
            })
            .collect();
        let told = Arc::new(Told::default());
        let writers: Vec<_> = (0..WRITERS)
            .zip(people.iter().cycle())
            .map(|(writer, member)| runtime.spawn(Arc::clone(&told).write(Arc::clone(member), writer)))
            .collect();

        let mut rates = vec![told.writes_on()];
        for victim in [Victim::Program, Victim::PostgreSql, Victim::Both, Victim::Application] {
            let mut recoveries = Vec::new();
            for _ in 0..victim.kills() {
                let killed = Instant::now();
                let back = victim.dies(&place, &mut program);
                told.answered_after(back);
                recoveries.push(killed.elapsed());
                assert!(writers.iter().all(|writer| !writer.is_finished()), "a writer gave up");
                rates.push(told.writes_on());
            }
            recoveries.sort();
            if let (Some(min), Some(max)) = (recoveries.first(), recoveries.last()) {
                let median = recoveries[recoveries.len() / 2];
                eprintln!(
                    "{victim:?} killed {} times; recovery min {min:.2?}, median {median:.2?}, max {max:.2?}",
                    recoveries.len()
                );
            }
        }
        told.over.store(true, Relaxed);
        for writer in writers {
            runtime.block_on(writer).unwrap();
        }
        rates.sort_by(f64::total_cmp);
        eprintln!(
            "writes a second between kills: min {:.0}, median {:.0}, max {:.0}; {} acknowledged, {} answers broken off, \
             {} requests sent again",
            rates[0],
            rates[rates.len() / 2],
            rates[rates.len() - 1],
            told.acknowledged.load(Relaxed),
            people.iter().map(|member| member.visitor.broken_off()).sum::<u64>(),
            told.again.load(Relaxed),
        );
        let patients = told.patients.lock().unwrap().clone();
        assert_eq!(told.acknowledged.load(Relaxed), patients.values().map(|(_, edits)| edits + 1).sum::<u64>());
        nothing_lost_and_nothing_twice(&place, &patients);
        let some = patients.iter().step_by(patients.len().div_ceil(100));
        for (id, (name, _)) in some {
            let page = runtime.block_on(people[0].visitor.get(&format!("/patients/{id}"))).unwrap();
            let (given, family) = name.split_once(' ').unwrap();
            assert!(page.body.contains(given) && page.body.contains(family), "{id}: {}", page.body);
        }
        program.stops();
    }

    /// What stands in the database against what the writers were told.
    fn nothing_lost_and_nothing_twice(place: &Place, patients: &BTreeMap<String, (String, u64)>) {
        let pairs = |statement: &str| -> BTreeMap<String, u64> {
            sql(place, "data", statement).into_iter().map(|row| (row[0].clone(), row[1].parse().unwrap())).collect()
        };
        let expected = |count: fn(u64) -> u64| -> BTreeMap<String, u64> {
            patients.iter().map(|(id, (_, edits))| (id.clone(), count(*edits))).collect()
        };
        let events = |action: &str| {
            pairs(&format!("select record_id, count(*) from audit_event where action = '{action}' group by 1"))
        };
        assert!(
            pairs("select id, row_version from patient") == expected(|edits| edits + 1),
            "rows and what was told differ"
        );
        assert!(events("patient.create") == expected(|_| 1), "not one creating event for each patient");
        assert!(events("patient.edit") == expected(|edits| edits), "not one event for each edit");
        let without = "select count(*) from patient p where not exists (select from audit_event e
                       where e.practice_id = p.practice_id and e.event_id = p.event_id and e.record_id = p.id)";
        assert_eq!(number(place, "data", without), 0, "rows without the event that they name");
        let unlogged = "select count(*) from audit_event e where not exists (select from audit_pending p
                        where p.practice_id = e.practice_id and p.event_id = e.event_id)";
        assert_eq!(number(place, "data", unlogged), 0, "events that the log will never take");
        let once = "select count(*) from idempotency i join audit_event e using (practice_id, event_id)
                    where e.action in ('patient.create', 'patient.edit')";
        let writes: u64 = patients.values().map(|(_, edits)| edits + 1).sum();
        assert_eq!(number(place, "data", once), i64::try_from(writes).unwrap(), "answers kept for retries");
        let keyless = patients.len()
            - sql(place, "keyring", "select id from data_key")
                .into_iter()
                .filter(|row| patients.contains_key(&row[0]))
                .count();
        assert_eq!(keyless, 0, "patients whose key is gone");
        eprintln!("{} patients, {writes} writes: each stands once, with its event", patients.len());
    }
}
