//! Taking records out: an archive for somebody who holds a key, made and fetched at the host; and what its holder
//! does with it, which needs no installation.

use std::fs::{self, File, OpenOptions};
use std::io::{BufReader, Write};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use kernel::{ExportId, PatientId};
use practice::exchange::archive::{self, ArchiveProblem, Identity, Manifest, Recipient, Scope, Verifier};
use practice::exchange::export::{self, ExportError, PIECE_BYTES_MAX, Portion, State};
use store::{Actor, Job, WorkKind};

use super::{House, explained};
use crate::failure::Failure;
use crate::terminal::say;

/// Between two looks at an export that the running installation makes.
const LOOK: Duration = Duration::from_millis(500);
/// A key file has a few lines.
const KEY_BYTES_MAX: u64 = 64 * 1024;

/// Makes an archive and writes it to `to`, or to standard output. Nothing else is said there.
pub(super) async fn make(
    house: &House,
    practice: &str,
    patient: Option<&str>,
    recipient: &str,
    to: Option<&Path>,
    origin: &str,
) -> Result<(), Failure> {
    let id = house.practice(practice).await?;
    let recipient: Recipient = recipient.parse().map_err(|error| explained(&error))?;
    let patient: Option<PatientId> = patient.map(str::parse).transpose().map_err(|error| explained(&error))?;
    let store = house.identity.store();
    let link = format!("{origin}/practice/export");
    let export = match export::ask_at_host(store, id, patient, &recipient, &link).await {
        Err(ExportError::Store(store::StoreError::Missing)) => {
            return Err(Failure::said("there is no such patient in this practice"));
        }
        other => other.map_err(|error| explained(&error))?,
    };
    let actor = store.machine(Job::Export, id).await?;
    finished(house, &actor, export).await?;
    match to {
        Some(path) => {
            let mut file = new_file(path)?;
            let written = fetch(house, &actor, export, &mut file).await;
            if written.is_err() {
                // What is not whole is not left behind under the name of something whole.
                let _ = fs::remove_file(path);
            }
            written
        }
        None => fetch(house, &actor, export, &mut std::io::stdout().lock()).await,
    }
}

/// A new file that only its owner can read.
pub(crate) fn new_file(path: &Path) -> Result<File, Failure> {
    OpenOptions::new().write(true).create_new(true).mode(0o600).open(path).map_err(Failure::io("cannot make", path))
}

/// Makes the archive here, or waits for the running installation where that has taken it up first.
async fn finished(house: &House, actor: &Actor, export: ExportId) -> Result<(), Failure> {
    let store = house.identity.store();
    let signer = house.doors.signer()?;
    loop {
        if let Some(claim) = store.claim_about(actor.practice(), WorkKind::Export, export.uuid()).await? {
            let ended = export::go_on(store, &signer, &claim).await;
            let fault = ended.err();
            store.settle(&claim, ended).await?;
            if let Some(fault) = fault {
                return Err(Failure::said(format!(
                    "the archive could not be made now ({}); the running installation tries it again, and shows it on \
                     its page of exports",
                    fault.code()
                )));
            }
        }
        let (state, _, _) = export::host_export(store, actor, export).await?;
        match state {
            State::Ready => return Ok(()),
            State::Asked | State::Making => tokio::time::sleep(LOOK).await,
            State::Refused | State::Withdrawn | State::Expired | State::Failed => {
                return Err(Failure::said("somebody of the practice ended this export"));
            }
        }
    }
}

async fn fetch(house: &House, actor: &Actor, export: ExportId, to: &mut impl Write) -> Result<(), Failure> {
    let store = house.identity.store();
    let failed = |error: ExportError| explained(&error);
    let layout = export::layout(store, actor, export).await.map_err(failed)?;
    export::begin_taking(store, actor, export, 0).await.map_err(failed)?;
    let mut at = 0;
    while let Some(portion) = layout.at(at, PIECE_BYTES_MAX) {
        let bytes = match portion {
            Portion::Plain(bytes) => bytes,
            Portion::Part { number, from, bytes } => {
                export::piece(store, actor, &layout, number, from, bytes).await.map_err(failed)?
            }
        };
        at += bytes.len() as u64;
        to.write_all(&bytes).map_err(|error| Failure::said(format!("cannot write the archive: {error}")))?;
    }
    to.flush().map_err(|error| Failure::said(format!("cannot write the archive: {error}")))?;
    export::taken(store, actor, export).await.map_err(failed)
}

/// Prints the key by which others check what this installation signs.
pub(super) fn key(house: &House) -> Result<(), Failure> {
    say(&house.doors.signer()?.verifier().to_string());
    Ok(())
}

/// Makes a key pair: the secret half into a new file, the public half told.
pub(crate) fn new_identity(file: &Path) -> Result<(), Failure> {
    let identity = Identity::fresh();
    let recipient = identity.recipient();
    let text = zeroize::Zeroizing::new(format!("# public key: {recipient}\n{}\n", identity.text().expose()));
    new_file(file)?.write_all(text.as_bytes()).map_err(Failure::io("cannot write", file))?;
    say(&format!("{recipient}"));
    say(&format!("The secret half is in {}. Whoever has it opens what was exported to this key.", file.display()));
    Ok(())
}

fn archive_file(path: &Path) -> Result<BufReader<File>, Failure> {
    Ok(BufReader::new(File::open(path).map_err(Failure::io("cannot read", path))?))
}

fn verifier(key: Option<&str>) -> Result<Option<Verifier>, Failure> {
    key.map(str::parse).transpose().map_err(|error| explained(&error))
}

/// Checks an archive without the key that opens it.
pub(crate) fn verify(path: &Path, key: Option<&str>) -> Result<(), Failure> {
    let key = verifier(key)?;
    let manifest = archive::verify(archive_file(path)?, key.as_ref()).map_err(|problem| wrong(path, &problem))?;
    tell(&manifest, key.is_some());
    Ok(())
}

/// Checks an archive and opens it into a new folder.
pub(crate) fn open(path: &Path, identity: &Path, to: &Path, key: Option<&str>) -> Result<(), Failure> {
    let key = verifier(key)?;
    let long = fs::metadata(identity).map_err(Failure::io("cannot read", identity))?.len() > KEY_BYTES_MAX;
    let text = if long {
        String::new()
    } else {
        fs::read_to_string(identity).map_err(Failure::io("cannot read", identity))?
    };
    let text = zeroize::Zeroizing::new(text);
    let named = |error| Failure::said(format!("{}: {error}", identity.display()));
    let secret = Identity::in_text(&text).map_err(named)?;
    let opened = archive::open(archive_file(path)?, key.as_ref(), &secret, to);
    let manifest = opened.map_err(|problem| wrong(path, &problem))?;
    tell(&manifest, key.is_some());
    say(&format!("It is open in {}: look at index.html there", to.display()));
    Ok(())
}

fn wrong(path: &Path, problem: &ArchiveProblem) -> Failure {
    let Failure::Said(words) = explained(problem) else { return explained(problem) };
    Failure::said(format!("{}: {words}. Nothing of it was kept", path.display()))
}

fn tell(manifest: &Manifest, compared: bool) {
    let whose = match manifest.scope {
        Scope::Practice => "a whole practice",
        Scope::Patient => "one patient",
    };
    say(&format!("An export of {whose}, as it stood at {}", manifest.taken_at.strftime("%Y-%m-%d %H:%M:%S UTC")));
    for (kind, count) in &manifest.counts {
        say(&format!("  {count:>9}  {kind}"));
    }
    if manifest.damaged > 0 {
        say(&format!("  {:>9}  were damaged where they were stored, and are not in it", manifest.damaged));
    }
    say(&format!("Every one of its {} parts is as it was signed, by", manifest.parts.len()));
    say(&format!("  {}", manifest.installation.key));
    if !compared {
        say("This key was not compared with anything: ask the installation for its own, and give it with --key");
    }
}

/// Where an archive goes, as an absolute path: the command may run as another account, elsewhere.
pub(crate) fn absolute(path: &Path) -> Result<PathBuf, Failure> {
    std::path::absolute(path).map_err(Failure::io("cannot find", path))
}
