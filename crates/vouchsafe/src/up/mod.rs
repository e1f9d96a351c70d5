//! `vouchsafe up`: a whole installation in one folder, with invented people, at <https://localhost>. For
//! looking, trying and developing; the settings are those of `serve`, written by the program.

pub(crate) mod authority;
mod crowd;
pub(crate) mod invented;

use std::fmt::Write as _;
use std::fs::{DirBuilder, Permissions};
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::accounts::Accounts;
use crate::config::Config;
use crate::doors::clock;
use crate::failure::Failure;
use crate::keys;
use crate::mail::Post;
use crate::place::Place;
use crate::supervise::Installation;
use crate::terminal::{say, step};
use authority::Authority;
use invented::{Demonstration, SignIns};

/// What `up` was asked.
pub(crate) struct Up {
    pub(crate) folder: PathBuf,
    pub(crate) port: u16,
    pub(crate) fresh: bool,
    /// Only the patients that are there at once.
    pub(crate) few: bool,
}

/// The folders of one demonstration. Keys and letters lie beside the data and not in it: a copy of the
/// data is worth nothing without them.
pub(crate) struct Folders {
    pub(crate) data: PathBuf,
    keys: PathBuf,
    mail: PathBuf,
}

impl Folders {
    /// Of a demonstration in `folder`.
    pub(crate) fn of(folder: &Path) -> Result<Self, Failure> {
        let data = std::path::absolute(folder).map_err(Failure::io("cannot find", folder))?;
        let name = data.file_name().map(|name| name.to_string_lossy().into_owned());
        let name =
            name.ok_or_else(|| Failure::said(format!("{} cannot be the folder; name another", data.display())))?;
        let beside = |what: &str| data.with_file_name(format!("{name}-{what}"));
        Ok(Self { keys: beside("keys"), mail: beside("mail"), data })
    }

    /// What the application reads and writes: the root key, and what the people sign in with.
    fn of_application(&self) -> PathBuf {
        self.keys.join("application")
    }

    fn root_key(&self) -> PathBuf {
        self.of_application().join("root.key")
    }

    /// What the people sign in with.
    pub(crate) fn people(&self) -> PathBuf {
        self.of_application().join("people.json")
    }

    /// The settings of such a demonstration.
    pub(crate) fn config(&self, port: u16) -> Result<Config, Failure> {
        let quoted = |path: &Path| toml::Value::String(path.display().to_string()).to_string();
        let text = format!(
            "folder = {}\n[keys]\nroot_key = {}\n[web]\nlisten = \"127.0.0.1:{port}\"\norigin = \"https://localhost:{port}\"\n\
             stop_seconds_max = 5\n[log]\nfile = {}\n",
            quoted(&self.data),
            quoted(&self.root_key()),
            quoted(&self.data.join("vouchsafe.log")),
        );
        Ok(Config::parse(Path::new("the settings of the demonstration"), &text)?)
    }

    /// What the people of a demonstration sign in with, or why there are none.
    pub(crate) fn sign_ins(&self) -> Result<SignIns, Failure> {
        if !self.people().exists() {
            return Err(Failure::said(format!(
                "{} holds no demonstration. Name the folder of `vouchsafe up` with --folder",
                self.data.display()
            )));
        }
        SignIns::read(&self.people())
    }
}

/// Runs a demonstration until told to stop.
pub(crate) async fn up(asked: Up) -> Result<(), Failure> {
    let folders = Folders::of(&asked.folder)?;
    let config = folders.config(asked.port)?;
    let place = Place::hold(&folders.data).await?;
    let accounts = Accounts::ensure(&config)?;
    if asked.fresh {
        step("starting over: removing the data of the demonstration, and its root key");
        place.empty().await?;
        for gone in [folders.of_application(), folders.mail.clone()] {
            remove(&gone)?;
        }
    }
    furnish(&folders, &place, &accounts)?;
    let authority = Authority::in_folder(&folders.keys);
    let tls = authority.localhost(clock().now())?;
    let from = "Vouchsafe <vouchsafe@localhost>".to_owned();
    let greeting = greeting(&folders, &authority, asked.port)?;
    let people = folders.people();
    let installation = Installation {
        config,
        tls,
        post: Post::Folder { folder: folders.mail, from },
        demonstration: Some(Demonstration { people: people.clone(), few: asked.few }),
        greet: Box::new(move || match SignIns::read(&people).and_then(|known| sign_in_lines(&known)) {
            Ok(lines) => say(&format!("{lines}{greeting}")),
            Err(error) => say(&error.to_string()),
        }),
    };
    Box::pin(installation.run(place, accounts)).await
}

/// Makes the folders beside the data, each for the account that uses it, and the root key.
fn furnish(folders: &Folders, place: &Place, accounts: &Accounts) -> Result<(), Failure> {
    let root = accounts.application().is_some();
    for (folder, mode) in [(&folders.keys, if root { 0o711 } else { 0o700 }), (&folders.mail, 0o700)] {
        make(folder, mode)?;
        // In a clone of the repository these must never be committed.
        let ignore = folder.join(".gitignore");
        std::fs::write(&ignore, "*\n").map_err(Failure::io("cannot write", &ignore))?;
    }
    let key = folders.root_key();
    if !key.exists() {
        if place.server("data").exists() {
            return Err(Failure::said(format!(
                "{} holds data, and its root key {} is gone. Bring the key back, or start over with --fresh",
                folders.data.display(),
                key.display()
            )));
        }
        step(&format!("making the root key {}", key.display()));
    }
    keys::ensure(&key, accounts)?;
    keys::give(&folders.mail, accounts)
}

fn make(folder: &Path, mode: u32) -> Result<(), Failure> {
    let done = DirBuilder::new().recursive(true).mode(mode).create(folder);
    done.and_then(|()| std::fs::set_permissions(folder, Permissions::from_mode(mode)))
        .map_err(Failure::io("cannot make", folder))
}

fn remove(folder: &Path) -> Result<(), Failure> {
    match std::fs::remove_dir_all(folder) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(Failure::io("cannot remove", folder)(error)),
        _ => Ok(()),
    }
}

fn sign_in_lines(known: &SignIns) -> Result<String, Failure> {
    let mut text = String::from("\nPeople to sign in as (e-mail, roles, name, secret of the authenticator):\n\n");
    for line in known.lines()? {
        let _ = writeln!(text, "  {line}");
    }
    let _ = writeln!(text, "\n  The password of all of them: {}", known.password.expose());
    Ok(text)
}

fn greeting(folders: &Folders, authority: &Authority, port: u16) -> Result<String, Failure> {
    let program = std::env::current_exe().map_err(|error| Failure::said(error.to_string()))?;
    let (program, data, keys) = (program.display(), folders.data.display(), folders.keys.display());
    let (ca, mail) = (authority.certificate(), folders.mail.display());
    let ca = ca.display();
    Ok(format!(
        "
  The code of the second factor, now (each is good once):
    {program} demo code E-MAIL --folder {data}
  or type the secret into an authenticator app; `demo people` prints it as a link (otpauth://).

Trust its certificate, once (it vouches for localhost on this machine, and for nothing else):
  Debian, Ubuntu  sudo cp {ca} /usr/local/share/ca-certificates/ && sudo update-ca-certificates
  Chromium        certutil -d sql:$HOME/.pki/nssdb -A -t C,, -n 'Vouchsafe local CA' -i {ca}
                  (certutil is in the package libnss3-tools)
  Firefox         Settings, Privacy & Security, View Certificates, Authorities, Import

The data is in {data}, the keys are in {keys}, letters are written into {mail}.

Vouchsafe runs at https://localhost:{port}   (Ctrl-C stops it)"
    ))
}

/// How often a folder is tried to be emptied: a server of an earlier run may still be ending in it.
const EMPTY_TRIES: u32 = 50;
const EMPTY_PAUSE: Duration = Duration::from_millis(200);

impl Place {
    /// Removes what Vouchsafe keeps in the folder, and nothing else.
    async fn empty(&self) -> Result<(), Failure> {
        for name in ["data", "keyring"] {
            let folder = self.server(name);
            for left in (0..EMPTY_TRIES).rev() {
                match remove(&folder) {
                    Ok(()) => break,
                    Err(error) if left == 0 => return Err(error),
                    Err(_) => tokio::time::sleep(EMPTY_PAUSE).await,
                }
            }
        }
        Ok(())
    }
}
