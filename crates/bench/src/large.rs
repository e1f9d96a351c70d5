//! A whole practice comes in and goes out, by the commands that its host would give: how fast, with how much
//! memory, and that an import which is killed on the way comes in whole.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;
use tokio_postgres::Client;
use uuid::Uuid;

use crate::cpu;
use crate::installation::Installation;
use crate::load::{Filled, Socket};
use crate::report::{Large, as_f64};
use crate::{Outcome, patients};

/// Resources of one patient: who they are, and three entries of the record.
const OF_ONE: usize = 4;
/// How often the import is killed on its way.
const KILLS: u64 = 2;
/// Between two looks at how far it is, and at its memory.
const LOOK: Duration = Duration::from_millis(100);

/// Brings so many resources into a practice that has none, kills that on the way, and takes them out again.
pub(crate) fn measured(house: &Installation, program: &Path, practice: &Filled, resources: usize) -> Outcome<Large> {
    let people = resources / OF_ONE;
    let files = written(people)?;
    let resources = u64::try_from(people * OF_ONE)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let seen = Seen::of(&runtime, &house.sockets.data, practice.id)?;
    let began = Instant::now();
    let (mut import_mb, mut killed) = (0.0_f64, 0);
    loop {
        let mut importing = Command::new(program);
        importing.args(["import", "fhir", &practice.slug]).arg(files.path());
        importing.args(["--source", "bench", "--config"]).arg(house.settings());
        let next_kill = (killed < KILLS).then(|| resources * (killed + 1) / (KILLS + 1));
        let (ended, memory) = watched(importing, house, || Ok(next_kill.is_some_and(|at| seen.done() >= at)))?;
        import_mb = import_mb.max(memory);
        match ended {
            Ended::Itself => break,
            Ended::Killed => killed += 1,
        }
    }
    let import_s = began.elapsed().as_secs_f64();
    seen.whole(people)?;
    drop(files);
    println!(
        "{resources} resources came in, killed {killed} times on the way: {:.0} a second, {import_mb:.0} MB",
        as_f64(resources) / import_s
    );
    let key = tempfile::tempdir()?;
    let identity = key.path().join("key.txt");
    let made = Command::new(program).args(["export", "identity"]).arg(&identity).output()?;
    let recipient = String::from_utf8(made.stdout)?;
    let recipient = recipient.split_whitespace().find(|word| word.starts_with("age1")).ok_or("no key for an export")?;
    let archive = key.path().join("archive.tar");
    let mut exporting = Command::new(program);
    exporting.args(["export", "make", &practice.slug, "--recipient", recipient, "--to"]).arg(&archive);
    exporting.arg("--config").arg(house.settings());
    let began = Instant::now();
    let (_, export_mb) = watched(exporting, house, || Ok(false))?;
    let export_s = began.elapsed().as_secs_f64();
    let archive_mb = as_f64(fs::metadata(&archive)?.len()) / 1e6;
    println!("they went out: {:.0} a second, {export_mb:.0} MB", as_f64(resources) / export_s);
    Ok(Large { resources, killed, import_s, import_mb, export_s, export_mb, archive_mb })
}

/// Files for an import, that other accounts can read.
fn written(people: usize) -> Outcome<TempDir> {
    let folder =
        tempfile::Builder::new().prefix("vouchsafe-bench-").permissions(Permissions::from_mode(0o755)).tempdir()?;
    patients::write(folder.path(), 0..people)?;
    Ok(folder)
}

enum Ended {
    Itself,
    Killed,
}

/// Waits for a command of the program, and kills it when `enough` says so. Gives the largest memory of it and of
/// the program that serves meanwhile, in MB.
fn watched(mut command: Command, house: &Installation, enough: impl Fn() -> Outcome<bool>) -> Outcome<(Ended, f64)> {
    let mut child = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn()?;
    let mut most = 0.0_f64;
    loop {
        if let Some(status) = child.try_wait()? {
            return if status.success() { Ok((Ended::Itself, most)) } else { Err(said(child, &command)) };
        }
        for root in [child.id(), house.pid()] {
            most = most.max(cpu::rss_mb(root)?);
        }
        if enough()? {
            cpu::kill_tree(child.id())?;
            child.wait()?;
            return Ok((Ended::Killed, most));
        }
        std::thread::park_timeout(LOOK);
    }
}

fn said(child: Child, command: &Command) -> Box<dyn std::error::Error + Send + Sync> {
    let words = child.stderr.map(std::io::read_to_string).and_then(Result::ok).unwrap_or_default();
    format!("{command:?}: {words}").into()
}

/// What stands in the database, looked at from beside.
struct Seen<'a> {
    runtime: &'a tokio::runtime::Runtime,
    client: Client,
    practice: Uuid,
}

impl<'a> Seen<'a> {
    fn of(runtime: &'a tokio::runtime::Runtime, data: &Socket, practice: Uuid) -> Outcome<Self> {
        let client = runtime.block_on(async {
            let client = data.connect("vouchsafe_owner").await?;
            client.execute("select set_config('app.practice', $1::uuid::text, false)", &[&practice]).await?;
            Outcome::Ok(client)
        })?;
        Ok(Self { runtime, client, practice })
    }

    /// How many resources the import under way has come to; none where that cannot be seen yet.
    fn done(&self) -> u64 {
        let count = self.runtime.block_on(async {
            let sql = "select coalesce(max(added + matched + skipped + rejected), 0)::bigint
                       from import_run where practice_id = $1 and state = 'running'";
            let row = self.client.query_one(sql, &[&self.practice]).await?;
            Outcome::Ok(row.try_get::<_, i64>(0)?)
        });
        count.ok().and_then(|count| u64::try_from(count).ok()).unwrap_or(0)
    }

    /// That everything is there, once.
    fn whole(&self, people: usize) -> Outcome {
        let sql = "select (select count(*) from patient where practice_id = $1),
                          (select count(*) from record_entry where practice_id = $1),
                          (select count(*) from import_key where practice_id = $1),
                          (select count(*) from import_run where practice_id = $1)";
        let found: Vec<i64> = self.runtime.block_on(async {
            let row = self.client.query_one(sql, &[&self.practice]).await?;
            Outcome::Ok((0..4).map(|at| row.try_get(at)).collect::<Result<_, _>>()?)
        })?;
        let people = i64::try_from(people)?;
        let expected = vec![people, 3 * people, 4 * people, 1];
        if found == expected { Ok(()) } else { Err(format!("{found:?} came in instead of {expected:?}").into()) }
    }
}
