//! An installation of its own in a folder of its own: the program as it is shipped, the servers that it
//! manages, a certificate. Dropped, it is stopped and removed.

use std::fs::Permissions;
use std::io::{BufRead as _, BufReader};
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use rcgen::{CertifiedKey, generate_simple_self_signed};
use rustix::process::{Pid, Signal, kill_process};
use serde::Deserialize;
use tempfile::TempDir;

use crate::Outcome;
use crate::client::Address;
use crate::load::Socket;

/// What the program says when it serves.
const RUNS: &str = "Vouchsafe runs at";
/// The name of the file of settings.
const SETTINGS: &str = "house.toml";
/// What the application may take to end before it is left to itself.
const STOP_MAX: Duration = Duration::from_secs(30);

/// One installation.
pub(crate) struct Installation {
    program: Child,
    pub(crate) address: Address,
    pub(crate) sockets: Sockets,
    /// Kept for its end: the folder goes with it.
    folder: TempDir,
}

/// Where its servers are reached, as the program notes it.
#[derive(Deserialize)]
pub(crate) struct Sockets {
    pub(crate) data: Socket,
    pub(crate) keyring: Socket,
}

impl Installation {
    /// Makes one and waits until it serves.
    pub(crate) fn make(program: &Path, within: Option<&Path>) -> Outcome<Self> {
        let mut builder = tempfile::Builder::new();
        // The accounts of the servers must pass through.
        builder.prefix("vouchsafe-bench-").permissions(Permissions::from_mode(0o755));
        let folder = match within {
            Some(within) => builder.tempdir_in(within)?,
            None => builder.tempdir()?,
        };
        let port = std::net::TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
        let CertifiedKey { cert, signing_key } = generate_simple_self_signed(["localhost".to_owned()])?;
        let at = |name: &str| folder.path().join(name);
        std::fs::write(at("cert.pem"), cert.pem())?;
        std::fs::write(at("cert.key"), signing_key.serialize_pem())?;
        let settings = at(SETTINGS);
        std::fs::write(&settings, settings_text(folder.path(), port))?;
        run(Command::new(program).args(["keys", "create", "--config"]).arg(&settings))?;
        let mut serving = Command::new(program);
        serving.arg("serve").arg("--config").arg(&settings).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut program = serving.spawn()?;
        let streams: [Option<Box<dyn std::io::Read + Send>>; 2] =
            [program.stdout.take().map(|out| Box::new(out) as _), program.stderr.take().map(|out| Box::new(out) as _)];
        let (tell, told) = std::sync::mpsc::channel();
        for stream in streams.into_iter().flatten() {
            let tell = tell.clone();
            // Heard to the end: a program whose words nobody takes stands still.
            std::thread::spawn(move || {
                for line in BufReader::new(stream).lines().map_while(Result::ok) {
                    let _ = tell.send(line);
                }
            });
        }
        drop(tell);
        let address = Address { port, certificate: cert.pem() };
        let mut said = Vec::new();
        let serves = told.iter().any(|line| {
            let serves = line.contains(RUNS);
            said.push(line);
            serves
        });
        if !serves {
            let _ = program.wait();
            return Err(format!("the program does not serve:\n{}", said.join("\n")).into());
        }
        let sockets = serde_json::from_slice(&std::fs::read(at("data/servers.json"))?)?;
        Ok(Self { program, address, sockets, folder })
    }

    /// The process that was started.
    pub(crate) fn pid(&self) -> u32 {
        self.program.id()
    }

    /// Its file of settings.
    pub(crate) fn settings(&self) -> PathBuf {
        self.folder.path().join(SETTINGS)
    }

    pub(crate) fn root_key(&self) -> PathBuf {
        self.folder.path().join("keys/root.key")
    }

    /// The account that may read the root key, where that is not us.
    pub(crate) fn application(&self) -> Outcome<Option<(u32, u32)>> {
        if !rustix::process::geteuid().is_root() {
            return Ok(None);
        }
        let owner = std::fs::metadata(self.root_key())?;
        Ok(Some((owner.uid(), owner.gid())))
    }
}

impl Drop for Installation {
    fn drop(&mut self) {
        if let Some(pid) = i32::try_from(self.program.id()).ok().and_then(Pid::from_raw) {
            let _ = kill_process(pid, Signal::TERM);
        }
        let began = std::time::Instant::now();
        while matches!(self.program.try_wait(), Ok(None)) {
            if began.elapsed() > STOP_MAX {
                // Its servers end with it.
                let _ = self.program.kill();
            }
            std::thread::park_timeout(Duration::from_millis(20));
        }
    }
}

/// The settings of a new installation, all else as it is by itself. The accounts are those that every
/// Debian has, so that a measurement makes none.
fn settings_text(folder: &Path, port: u16) -> String {
    let at = |name: &str| folder.join(name).display().to_string();
    format!(
        "folder = \"{}\"\n[keys]\nroot_key = \"{}\"\n[web]\nlisten = \"127.0.0.1:{port}\"\n\
         origin = \"https://localhost:{port}\"\ncertificate = \"{}\"\ncertificate_key = \"{}\"\n\
         [accounts]\napplication = \"daemon\"\ndata = \"nobody\"\nkeyring = \"bin\"\n",
        at("data"),
        at("keys/root.key"),
        at("cert.pem"),
        at("cert.key"),
    )
}

fn run(command: &mut Command) -> Outcome {
    let output = command.output()?;
    if output.status.success() {
        return Ok(());
    }
    Err(format!("{command:?}: {}", String::from_utf8_lossy(&output.stderr)).into())
}
