//! The command line.

use std::path::{Path, PathBuf};

use clap::{Args, Parser, Subcommand};

use crate::accounts::Accounts;
use crate::application::Tls;
use crate::commands::{Manner, Task, absolute, new_file, new_identity, open_archive, suggest_mapping, verify_archive};
use crate::config::{self, Config};
use crate::doors::Doors;
use crate::failure::Failure;
use crate::job::{Errand, Job};
use crate::keys;
use crate::logs::Logging;
use crate::machine;
use crate::mail::Post;
use crate::place::{self, Place};
use crate::supervise::Installation;
use crate::terminal::say;
use crate::up::{Folders, Up, up};

/// A practice platform whose promises can be checked.
#[derive(Parser)]
#[command(name = "vouchsafe", version)]
pub(crate) struct Line {
    #[command(subcommand)]
    command: Word,
}

#[derive(Subcommand)]
enum Word {
    /// Run a demonstration with invented people, in one folder, at <https://localhost>
    Up {
        /// The folder of its data; keys and letters go into folders beside it
        #[arg(long, default_value = "data")]
        folder: PathBuf,
        /// The port
        #[arg(long, default_value_t = 8443)]
        port: u16,
        /// Start over: the data and the root key of the demonstration are removed first
        #[arg(long)]
        fresh: bool,
        /// Keep to a dozen patients for each practice; else a thousand more come in while it runs
        #[arg(long)]
        few: bool,
    },
    /// Run an installation
    Serve {
        /// The file of settings (docs/configuration.md)
        #[arg(long)]
        config: PathBuf,
    },
    /// Say whether a file of settings is right
    CheckConfig {
        /// The file
        #[arg(required_unless_present = "page")]
        file: Option<PathBuf>,
        /// Print docs/configuration.md instead
        #[arg(long)]
        page: bool,
    },
    /// Practices: found one, list them
    #[command(subcommand)]
    Practice(Practice),
    /// People: invite a practice's first owner, list a team
    #[command(subcommand)]
    Person(Person),
    /// Keys: make the root key, turn keys, see how they stand
    #[command(subcommand)]
    Keys(Keys),
    /// Bring records in, and take an import back
    #[command(subcommand)]
    Import(Import),
    /// Take records out as one archive; check and open archives
    #[command(subcommand)]
    Export(Export),
    /// A demonstration's people: their codes and secrets
    #[command(subcommand)]
    Demo(Demo),
}

/// Which installation is meant.
#[derive(Args)]
#[group(required = true, multiple = false)]
struct Which {
    /// The file of settings that it was started with
    #[arg(long)]
    config: Option<PathBuf>,
    /// The folder of a demonstration
    #[arg(long = "folder", id = "demonstration")]
    folder: Option<PathBuf>,
}

#[derive(Subcommand)]
enum Practice {
    /// Found a practice
    Create {
        /// Its short name, such as rivonia-north
        slug: String,
        /// Its name
        #[arg(long)]
        name: String,
        /// Its time zone, such as Africa/Johannesburg
        #[arg(long)]
        time_zone: String,
        /// Its country, such as ZA
        #[arg(long)]
        country: String,
        #[command(flatten)]
        which: Which,
    },
    /// List the practices
    List {
        #[command(flatten)]
        which: Which,
    },
}

#[derive(Subcommand)]
enum Person {
    /// Invite somebody; prints the link
    Invite {
        /// The practice's short name
        practice: String,
        /// The person's e-mail address
        email: String,
        /// The person's name
        #[arg(long, default_value = "")]
        name: String,
        /// A role: owner, administrator, practitioner, reception or finance; can be given several times
        #[arg(long = "role", required = true)]
        roles: Vec<String>,
        #[command(flatten)]
        which: Which,
    },
    /// List a practice's team
    List {
        /// The practice's short name
        practice: String,
        #[command(flatten)]
        which: Which,
    },
    /// Let somebody into a practice again whose second factor another practice has reset; for practices where nobody
    /// else could agree. Make sure first that it is them who asks
    LetIn {
        /// The practice's short name
        practice: String,
        /// The person's e-mail address
        email: String,
        #[command(flatten)]
        which: Which,
    },
}

#[derive(Subcommand)]
enum Keys {
    /// Make the file of the root key that the settings name. One that is there is never written over
    Create {
        /// The file of settings
        #[arg(long)]
        config: PathBuf,
    },
    /// See how the keys stand
    Status {
        #[command(flatten)]
        which: Which,
    },
    /// Turn keys, while everything runs. Cut short, it goes on where it was
    Rotate {
        /// The key of one practice
        #[arg(long, group = "what")]
        practice: Option<String>,
        /// The keys of all practices, and the house's own
        #[arg(long, group = "what")]
        all: bool,
        /// The root key
        #[arg(long, group = "what")]
        root: bool,
        #[command(flatten)]
        which: Which,
    },
}

#[derive(Subcommand)]
enum Import {
    /// From FHIR R4: NDJSON, as a bulk export writes it, and bundles. Brought in twice, it changes nothing
    Fhir {
        /// The practice's short name
        practice: String,
        /// A folder of .ndjson and .json files, or one file; as root, Vouchsafe's account must be able to read it
        folder: PathBuf,
        #[command(flatten)]
        manner: Manner,
        /// Where the files come from: ids of one source are never taken for those of another
        #[arg(long, default_value = "fhir")]
        source: String,
        /// The e-mail address of a practitioner who may open the records that were open to named people only; can
        /// be given several times. Without it, such records are not brought in
        #[arg(long = "named")]
        named: Vec<String>,
        #[command(flatten)]
        which: Which,
    },
    /// From a table (CSV). Brought in twice, it changes nothing
    Csv {
        /// The practice's short name
        practice: String,
        /// The file; as root, Vouchsafe's account must be able to read it
        file: PathBuf,
        /// The file that says what each column is; `vouchsafe import mapping FILE` prints a first one. Without
        /// it, the mapping that the practice used last for a table with the same columns
        #[arg(long)]
        mapping: Option<PathBuf>,
        #[command(flatten)]
        manner: Manner,
        /// Where the file comes from: record numbers of one source are never taken for those of another
        #[arg(long, default_value = "csv")]
        source: String,
        #[command(flatten)]
        which: Which,
    },
    /// From a file of vCards (.vcf). Brought in twice, it changes nothing
    Vcard {
        /// The practice's short name
        practice: String,
        /// The file; as root, Vouchsafe's account must be able to read it
        file: PathBuf,
        #[command(flatten)]
        manner: Manner,
        /// Where the file comes from: cards of one source are never taken for those of another
        #[arg(long, default_value = "vcard")]
        source: String,
        #[command(flatten)]
        which: Which,
    },
    /// List the imports of a practice
    List {
        /// The practice's short name
        practice: String,
        #[command(flatten)]
        which: Which,
    },
    /// Take back what one import added, while nothing has been built on it
    Undo {
        /// The practice's short name
        practice: String,
        /// The import's id, as `vouchsafe import list` shows it
        run: String,
        /// Only say what would be taken away
        #[arg(long)]
        dry_run: bool,
        #[command(flatten)]
        which: Which,
    },
    /// Print the mapping that a table suggests, to look at and change before it is used
    Mapping {
        /// The table
        file: PathBuf,
    },
}

#[derive(Subcommand)]
enum Export {
    /// Make an archive of a practice, or of one patient, encrypted to a key of age. It stands in the practice's log
    /// as an act of the host, and its owners are told by mail
    Make {
        /// The practice's short name
        practice: String,
        /// The public key of whoever will open it: age1...
        #[arg(long)]
        recipient: String,
        /// One patient only, by their id
        #[arg(long)]
        patient: Option<String>,
        /// The file to write; it must not be there yet
        #[arg(long)]
        to: PathBuf,
        #[command(flatten)]
        which: Which,
    },
    /// Print the key by which others check what this installation signs
    Key {
        #[command(flatten)]
        which: Which,
    },
    /// Make a key pair for receiving archives: the secret half into a new file, the public half is printed
    Identity {
        /// The file; it must not be there yet
        file: PathBuf,
    },
    /// Check an archive: who signed it, and that no part was altered
    Verify {
        /// The archive
        archive: PathBuf,
        /// The key of the installation that must have signed it
        #[arg(long)]
        key: Option<String>,
    },
    /// Check an archive and open it into a new folder
    Open {
        /// The archive
        archive: PathBuf,
        /// The file of the secret key
        #[arg(long)]
        identity: PathBuf,
        /// The folder; it must not be there yet
        #[arg(long)]
        to: PathBuf,
        /// The key of the installation that must have signed it
        #[arg(long)]
        key: Option<String>,
    },
}

#[derive(Subcommand)]
enum Demo {
    /// The code that a person's authenticator shows now
    Code {
        /// The person's e-mail address
        email: String,
        /// The folder of the demonstration
        #[arg(long, default_value = "data")]
        folder: PathBuf,
    },
    /// Everybody, with password, secret, and a link for an authenticator app
    People {
        /// The folder of the demonstration
        #[arg(long, default_value = "data")]
        folder: PathBuf,
    },
}

impl Line {
    /// Does what it says.
    pub(crate) fn perform(self) -> Result<(), Failure> {
        match self.command {
            Word::Up { folder, port, fresh, few } => {
                crate::runtime(machine::threads(true))?.block_on(up(Up { folder, port, fresh, few }))
            }
            Word::Serve { config } => {
                let config = Config::load(&config)?;
                crate::runtime(config.threads())?.block_on(serve(config))
            }
            Word::CheckConfig { page: true, .. } => {
                say(config::page().trim_end());
                Ok(())
            }
            Word::CheckConfig { file, .. } => check(&file.unwrap_or_default()),
            Word::Practice(Practice::Create { slug, name, time_zone, country, which }) => {
                which.perform(Task::PracticeCreate { slug, name, time_zone, country })
            }
            Word::Practice(Practice::List { which }) => which.perform(Task::PracticeList),
            Word::Person(Person::Invite { practice, email, name, roles, which }) => {
                which.perform(Task::PersonInvite { practice, email, name, roles })
            }
            Word::Person(Person::List { practice, which }) => which.perform(Task::PersonList { practice }),
            Word::Person(Person::LetIn { practice, email, which }) => {
                which.perform(Task::PersonLetIn { practice, email })
            }
            Word::Keys(Keys::Create { config }) => create_root_key(&config),
            Word::Keys(Keys::Status { which }) => which.perform(Task::KeysStatus),
            Word::Keys(Keys::Rotate { practice, all, root, which }) => match (practice, all, root) {
                (None, false, false) => Err(Failure::said("say which keys: --practice SLUG, --all or --root")),
                (_, _, true) => which.perform(Task::KeysRotateRoot),
                (practice, _, false) => which.perform(Task::KeysRotate { practice }),
            },
            Word::Export(export) => export.perform(),
            Word::Import(Import::Fhir { practice, folder, manner, source, named, which }) => {
                let folder = folder.canonicalize().map_err(Failure::io("cannot find", &folder))?;
                which.perform(Task::ImportFhir { practice, folder, source, named, manner })
            }
            Word::Import(Import::Csv { practice, file, mapping, manner, source, which }) => {
                let file = file.canonicalize().map_err(Failure::io("cannot find", &file))?;
                let found = |mapping: PathBuf| mapping.canonicalize().map_err(Failure::io("cannot find", &mapping));
                let mapping = mapping.map(found).transpose()?;
                which.perform(Task::ImportCsv { practice, file, mapping, source, manner })
            }
            Word::Import(Import::Vcard { practice, file, manner, source, which }) => {
                let file = file.canonicalize().map_err(Failure::io("cannot find", &file))?;
                which.perform(Task::ImportVcard { practice, file, source, manner })
            }
            Word::Import(Import::List { practice, which }) => which.perform(Task::ImportList { practice }),
            Word::Import(Import::Undo { practice, run, dry_run, which }) => {
                which.perform(Task::ImportUndo { practice, run, dry_run })
            }
            Word::Import(Import::Mapping { file }) => suggest_mapping(&file),
            Word::Demo(Demo::Code { email, folder }) => {
                let (code, seconds) = Folders::of(&folder)?.sign_ins()?.code(&email)?;
                say(&format!("{code}   (for {seconds} more seconds; each code is good once)"));
                Ok(())
            }
            Word::Demo(Demo::People { folder }) => demo_people(&folder),
        }
    }
}

async fn serve(config: Config) -> Result<(), Failure> {
    let place = Place::hold(&config.top.folder).await?;
    let (tls, post) = (Tls::read(&config)?, Post::server(&config)?);
    let accounts = Accounts::ensure(&config)?;
    let origin = config.web.origin.clone();
    let greet = Box::new(move || say(&format!("Vouchsafe runs at {origin}")));
    Box::pin(Installation { config, tls, post, demonstration: None, greet }.run(place, accounts)).await
}

fn check(file: &Path) -> Result<(), Failure> {
    let config = Config::load(file)?;
    Tls::read(&config)?;
    Post::server(&config)?;
    say(&format!("{} is right", file.display()));
    Ok(())
}

fn create_root_key(file: &Path) -> Result<(), Failure> {
    let config = Config::load(file)?;
    let accounts = Accounts::ensure(&config)?;
    keys::create(&config.keys.root_key, &accounts)?;
    say(&format!(
        "made {}. Copy it away now, apart from the data and from the backups: without it nothing opens again",
        config.keys.root_key.display()
    ));
    Ok(())
}

fn demo_people(folder: &Path) -> Result<(), Failure> {
    let known = Folders::of(folder)?.sign_ins()?;
    for line in known.lines()? {
        say(&line);
    }
    say(&format!("password of all of them: {}", known.password.expose()));
    for address in known.addresses() {
        say(&address);
    }
    Ok(())
}

impl Export {
    fn perform(self) -> Result<(), Failure> {
        match self {
            Self::Make { practice, recipient, patient, to, which } => {
                let to = absolute(&to)?;
                which.perform_into(&to, |to| Task::ExportMake { practice, patient, recipient, to })
            }
            Self::Key { which } => which.perform(Task::ExportKey),
            Self::Identity { file } => new_identity(&file),
            Self::Verify { archive, key } => verify_archive(&archive, key.as_deref()),
            Self::Open { archive, identity, to, key } => open_archive(&archive, &identity, &to, key.as_deref()),
        }
    }
}

impl Which {
    fn settings(&self) -> Result<Config, Failure> {
        match (&self.config, &self.folder) {
            (Some(file), _) => Ok(Config::load(file)?),
            (None, folder) => Folders::of(folder.as_deref().unwrap_or(Path::new("data")))?.config(8443),
        }
    }

    /// Does a task beside the running installation, as the application's account.
    fn perform(&self, task: Task) -> Result<(), Failure> {
        let (job, accounts) = self.errand(task)?;
        crate::runtime(job.threads())?.block_on(job.perform_as(&accounts))
    }

    /// Does a task whose outcome is a file. The file is made by whoever gave the command, who has the rights to
    /// do that, and the application's account writes to it as to its standard output.
    fn perform_into(&self, to: &Path, task: impl FnOnce(Option<PathBuf>) -> Task) -> Result<(), Failure> {
        if Accounts::find(&self.settings()?)?.application().is_none() {
            return self.perform(task(Some(to.to_owned())));
        }
        let (job, accounts) = self.errand(task(None))?;
        let file = new_file(to)?;
        let done = crate::runtime(job.threads())?.block_on(job.perform_as_into(&accounts, file.into()));
        if done.is_err() {
            // What is not whole is not left behind under the name of something whole.
            let _ = std::fs::remove_file(to);
        }
        done
    }

    fn errand(&self, task: Task) -> Result<(Job, Accounts), Failure> {
        let config = self.settings()?;
        let accounts = Accounts::find(&config)?;
        let (doors, origin) = if config.postgresql.managed {
            let running = place::beside_running(&config.top.folder)?;
            let origin = running.origin.clone();
            (Doors::managed(&config, running), origin)
        } else {
            (Doors::outside(&config)?, config.web.origin.to_string())
        };
        // A command says what it does; of the rest only what goes wrong.
        let logging = Logging { level: config::LogLevel::Warn, format: config.log.format };
        let (doors, threads) = (doors.for_one_command(), config.threads());
        Ok((Job::Errand(Box::new(Errand { doors, logging, threads, origin, task })), accounts))
    }
}
