//! Parts of a measurement that run in a process of their own: because they are to be told apart from the
//! program in the figures, or because only the application's account may do them.

use std::io::{BufRead, BufReader, Lines, Read, Write};
use std::process::{Child, ChildStdout, Command, Stdio};

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::{Outcome, drive, floor, load};

/// A part of a measurement.
#[derive(Serialize, Deserialize)]
pub(crate) enum Work {
    /// Fills an installation.
    Load(load::Load),
    /// Asks it over HTTPS.
    Drive(drive::Drive),
    /// Does the same statements without what stands round them.
    Floor(floor::Floor),
}

/// What a part says: a line of JSON each.
#[derive(Serialize, Deserialize)]
pub(crate) enum Said<T> {
    /// For a person.
    Progress(String),
    /// From now on it counts.
    Begins,
    /// Up to now it counted.
    Ends,
    /// What came of it.
    Done(T),
}

/// A part at work.
pub(crate) struct Worker {
    child: Child,
    lines: Lines<BufReader<ChildStdout>>,
}

impl Worker {
    /// Starts it, as `account` (its uid and gid) where there is one.
    pub(crate) fn start(work: &Work, account: Option<(u32, u32)>) -> Outcome<Self> {
        let program = std::env::current_exe()?;
        let mut command = match account {
            None => Command::new(program),
            Some((uid, gid)) => {
                let mut command = Command::new("setpriv");
                command.arg(format!("--reuid={uid}")).arg(format!("--regid={gid}"));
                command.args(["--clear-groups", "--no-new-privs", "--pdeathsig=KILL", "--"]).arg(program);
                command
            }
        };
        command.arg("work").current_dir("/").stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn()?;
        let text = serde_json::to_vec(work)?;
        // Dropped here: the worker reads to the end.
        child.stdin.take().ok_or("no way to speak to a worker")?.write_all(&text)?;
        let out = child.stdout.take().ok_or("no way to hear a worker")?;
        Ok(Self { child, lines: BufReader::new(out).lines() })
    }

    /// Its process.
    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// The next thing that it says.
    pub(crate) fn hear<T: DeserializeOwned>(&mut self) -> Outcome<Said<T>> {
        let Some(line) = self.lines.next() else {
            return Err(format!("a worker ended early ({})", self.child.wait()?).into());
        };
        Ok(serde_json::from_str(&line?)?)
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        // It has said all that it has to say, or nobody listens any more.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Says a line.
pub(crate) fn say<T: Serialize>(said: &Said<T>) -> Outcome {
    let mut out = std::io::stdout().lock();
    serde_json::to_writer(&mut out, said)?;
    out.write_all(b"\n")?;
    Ok(out.flush()?)
}

/// The other side: takes the work from standard input and does it.
pub(crate) fn received() -> Outcome {
    let mut text = Vec::new();
    std::io::stdin().read_to_end(&mut text)?;
    match serde_json::from_slice(&text)? {
        Work::Load(load) => {
            let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
            let done = runtime.block_on(load.perform())?;
            say(&Said::Done(done))
        }
        // One thread: it shares the machine with what it measures.
        Work::Drive(drive) => {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
            let done = runtime.block_on(drive.perform())?;
            say(&Said::Done(done))
        }
        Work::Floor(floor) => {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
            let done = runtime.block_on(floor.perform())?;
            say(&Said::Done(done))
        }
    }
}
