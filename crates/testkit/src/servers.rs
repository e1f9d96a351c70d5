//! The shared PostgreSQL of the tests: two clusters, started once, found again by every test process.

use std::fs::{self, File, OpenOptions};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use fs4::FileExt;
use store::ServerAddress;
use tokio::sync::OnceCell;

/// The data cluster's folder name.
pub const DATA: &str = "data";
/// The keyring cluster's folder name.
pub const KEYRING: &str = "keyring";
/// The port in the socket's name.
const PORT: u16 = 54329;

/// Where the shared clusters are.
#[derive(Debug, Clone)]
pub struct Servers {
    folder: PathBuf,
    /// The database's name: it carries a hash of the migrations, so that a changed schema starts anew.
    pub database: String,
}

impl Servers {
    /// The address of one of the clusters for one role.
    #[must_use]
    pub fn address(&self, cluster: &str, role: &str) -> ServerAddress {
        ServerAddress::Socket {
            folder: self.folder.join(cluster).join("sockets"),
            port: PORT,
            database: self.database.clone(),
            role: role.to_owned(),
        }
    }

    /// A connection as the superuser: what somebody with the database in their hands can do.
    pub async fn superuser(&self, cluster: &str) -> tokio_postgres::Client {
        self.connect(cluster, "postgres", &self.database).await
    }

    /// A connection as a role, past the store's doors.
    pub async fn as_role(&self, cluster: &str, role: &str) -> tokio_postgres::Client {
        self.connect(cluster, role, &self.database).await
    }

    async fn connect(&self, cluster: &str, role: &str, database: &str) -> tokio_postgres::Client {
        let mut config = tokio_postgres::Config::new();
        config.host_path(self.folder.join(cluster).join("sockets")).port(PORT).user(role).dbname(database);
        let (client, connection) = config.connect(tokio_postgres::NoTls).await.expect("the test servers answer");
        tokio::spawn(connection);
        client
    }

    /// The shared root key of the tests.
    #[must_use]
    pub fn root_key(&self) -> PathBuf {
        self.folder.join("root.key")
    }

    /// The folder of both clusters.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }
}

/// The shared servers: found, or started.
pub async fn servers() -> &'static Servers {
    static SERVERS: OnceCell<Servers> = OnceCell::const_new();
    SERVERS.get_or_init(start).await
}

fn workspace() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().expect("the workspace")
}

fn hash_of(parts: &[String]) -> String {
    let mut hasher = DefaultHasher::new();
    parts.hash(&mut hasher);
    format!("{:012x}", hasher.finish() & 0xffff_ffff_ffff)
}

fn migrations() -> Vec<String> {
    let mut all = Vec::new();
    for set in [DATA, KEYRING] {
        let folder = workspace().join("migrations").join(set);
        let mut files: Vec<PathBuf> = fs::read_dir(folder).unwrap().map(|f| f.unwrap().path()).collect();
        files.sort();
        for file in files {
            all.push(fs::read_to_string(&file).unwrap());
        }
    }
    all
}

async fn start() -> Servers {
    let folder = std::env::temp_dir().join(format!("vouchsafe-test-{}", hash_of(&[workspace().display().to_string()])));
    fs::create_dir_all(&folder).expect("a folder for the test servers");
    let lock: File = OpenOptions::new().create(true).truncate(false).write(true).open(folder.join("lock")).unwrap();
    FileExt::lock(&lock).expect("the lock of the test servers");
    let servers = Servers { folder, database: format!("v{}", hash_of(&migrations())) };
    let binaries = cluster::find_binaries(None).expect("PostgreSQL: run cargo xtask prepare");
    for name in [DATA, KEYRING] {
        start_cluster(&servers.folder.join(name), &binaries.dir);
    }
    let root = servers.root_key();
    if !root.exists() {
        keeper::RootKeyFile::create(&root, &kernel::SystemEntropy.into()).expect("a root key for the tests");
    }
    prepare_database(&servers).await;
    servers
}

/// Starts one cluster if it does not run. It outlives this process: `cargo xtask test` stops it.
fn start_cluster(folder: &Path, binaries: &Path) {
    let (data, sockets) = (folder.join("pg"), folder.join("sockets"));
    let server = |program: &str| {
        if is_root() {
            // PostgreSQL refuses to run as root; Debian's package brings the account.
            let mut command = Command::new("setpriv");
            command
                .args(["--reuid", "postgres", "--regid", "postgres", "--clear-groups", "--"])
                .arg(binaries.join(program));
            command
        } else {
            Command::new(binaries.join(program))
        }
    };
    if !data.join("PG_VERSION").exists() {
        fs::create_dir_all(&sockets).unwrap();
        let _ = fs::remove_dir_all(&data);
        if is_root() {
            assert!(Command::new("chown").arg("-R").arg("postgres").arg(folder).status().unwrap().success());
        }
        let made = server("initdb")
            .args(["--username=postgres", "--auth=trust", "--encoding=UTF8", "--locale=C.UTF-8", "--no-sync", "-D"])
            .arg(&data)
            .stdout(Stdio::null())
            .status()
            .unwrap();
        assert!(made.success(), "initdb");
    }
    let running = server("pg_ctl").arg("status").arg("-D").arg(&data).stdout(Stdio::null()).status().unwrap().success();
    if !running {
        // fsync off: these clusters hold nothing that must survive the machine. The kill loops, which
        // are about durability, run clusters of their own.
        let options = format!(
            "-c listen_addresses= -c unix_socket_directories={} -c port={PORT} -c fsync=off -c max_connections=300 -c shared_buffers=64MB",
            sockets.display()
        );
        let started = server("pg_ctl")
            .args(["start", "--wait", "--silent", "-D"])
            .arg(&data)
            .arg("-o")
            .arg(options)
            .arg("-l")
            .arg(data.join("server.log"))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status()
            .unwrap();
        assert!(started.success(), "PostgreSQL starts; see {}", data.join("server.log").display());
    }
}

fn is_root() -> bool {
    let id = Command::new("id").arg("-u").output().expect("id");
    id.stdout == b"0\n"
}

async fn prepare_database(servers: &Servers) {
    for cluster in [DATA, KEYRING] {
        let admin = servers.connect(cluster, "postgres", "postgres").await;
        for role in ["vouchsafe_owner", "vouchsafe_run"] {
            let known = admin.query("select 1 from pg_roles where rolname = $1", &[&role]).await.unwrap();
            if known.is_empty() {
                admin.batch_execute(&format!("create role {role} login")).await.unwrap();
            }
        }
        let known = admin.query("select 1 from pg_database where datname = $1", &[&servers.database]).await.unwrap();
        if known.is_empty() {
            let sql = format!("create database {} owner vouchsafe_owner", servers.database);
            admin.batch_execute(&sql).await.unwrap();
            let inside = servers.superuser(cluster).await;
            inside.batch_execute("alter schema public owner to vouchsafe_owner").await.unwrap();
        }
    }
    store::migrate_data(&servers.address(DATA, "vouchsafe_owner")).await.expect("the data schema");
    store::migrate_keyring(&servers.address(KEYRING, "vouchsafe_owner")).await.expect("the keyring schema");
}
