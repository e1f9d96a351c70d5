//! A place for one installation, the program, and somebody who looks at it over HTTPS.

use std::fs::Permissions;
use std::io::{BufRead, BufReader};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, Instant};

use rcgen::{CertifiedKey, generate_simple_self_signed};
use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

const PATIENCE: Duration = Duration::from_secs(90);
pub(crate) const RUNS: &str = "Vouchsafe runs at";

pub(crate) fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

/// A temporary folder that other accounts can pass through, with settings, a certificate and a free port.
pub(crate) struct Place {
    folder: TempDir,
    pub(crate) port: u16,
    certificate: String,
}

impl Place {
    /// With settings, and everything that they name except the root key.
    pub(crate) fn new() -> Self {
        let folder =
            tempfile::Builder::new().prefix("vs-").permissions(Permissions::from_mode(0o755)).tempdir().unwrap();
        let CertifiedKey { cert, signing_key } = generate_simple_self_signed(["localhost".to_owned()]).unwrap();
        std::fs::write(folder.path().join("cert.pem"), cert.pem()).unwrap();
        std::fs::write(folder.path().join("cert.key"), signing_key.serialize_pem()).unwrap();
        let place = Self { folder, port: free_port(), certificate: cert.pem() };
        place.write_settings("");
        place
    }

    /// The same, with a root key.
    pub(crate) fn with_key() -> Self {
        let place = Self::new();
        let made = place.run(&["keys", "create"]);
        assert!(made.status.success(), "{made:?}");
        place
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Its certificate, as PEM.
    pub(crate) fn certificate(&self) -> &str {
        &self.certificate
    }

    pub(crate) fn settings(&self) -> PathBuf {
        self.path("house.toml")
    }

    /// The usual settings, and `more`.
    pub(crate) fn write_settings(&self, more: &str) {
        let at = |name: &str| self.path(name).display().to_string();
        let text = format!(
            "folder = \"{}\"\n[keys]\nroot_key = \"{}\"\n[web]\nlisten = \"127.0.0.1:{}\"\norigin = \"https://localhost:{}\"\n\
             certificate = \"{}\"\ncertificate_key = \"{}\"\nstop_seconds_max = 3\n\
             [accounts]\napplication = \"daemon\"\ndata = \"nobody\"\nkeyring = \"bin\"\n\
             [postgresql]\nconnections_max = 40\ndata_buffers_mib = 16\nkeyring_buffers_mib = 16\n{more}",
            at("data"),
            at("keys/root.key"),
            self.port,
            self.port,
            at("cert.pem"),
            at("cert.key"),
        );
        std::fs::write(self.settings(), text).unwrap();
    }

    /// A command with these settings, to its end.
    pub(crate) fn run(&self, words: &[&str]) -> Output {
        program().args(words).arg("--config").arg(self.settings()).output().unwrap()
    }

    /// `serve` with these settings, not waited for.
    pub(crate) fn serve(&self) -> Program {
        Program::start(program().arg("serve").arg("--config").arg(self.settings()))
    }

    /// `serve`, once it serves.
    pub(crate) fn serving(&self) -> Program {
        let mut program = self.serve();
        program.hear(RUNS);
        program
    }

    /// Somebody who trusts its certificate.
    pub(crate) fn browser(&self) -> Browser {
        Browser::trusting(&self.certificate)
    }

    /// Asks for a page until it is answered with 200.
    pub(crate) fn answers(&self) {
        let browser = self.browser();
        until("an answer", || browser.status(self.port, "/healthz") == Some(200));
    }
}

pub(crate) fn program() -> Command {
    Command::new(env!("CARGO_BIN_EXE_vouchsafe"))
}

pub(crate) fn free_port() -> u16 {
    std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// The program while it runs. Dropped, it is told to stop.
pub(crate) struct Program {
    child: Child,
    lines: Receiver<String>,
    pub(crate) heard: Vec<String>,
}

impl Program {
    pub(crate) fn start(command: &mut Command) -> Self {
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let (tell, lines) = channel();
        let streams: [Box<dyn std::io::Read + Send>; 2] =
            [Box::new(child.stdout.take().unwrap()), Box::new(child.stderr.take().unwrap())];
        for stream in streams {
            let tell = tell.clone();
            std::thread::spawn(move || {
                for line in BufReader::new(stream).lines().map_while(Result::ok) {
                    let _ = tell.send(line);
                }
            });
        }
        Self { child, lines, heard: Vec::new() }
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Waits until it says a line with these words.
    pub(crate) fn hear(&mut self, words: &str) -> String {
        let end = Instant::now() + PATIENCE;
        loop {
            match self.lines.recv_timeout(end.saturating_duration_since(Instant::now())) {
                Ok(line) => {
                    self.heard.push(line.clone());
                    if line.contains(words) {
                        return line;
                    }
                }
                Err(RecvTimeoutError::Disconnected | RecvTimeoutError::Timeout) => {
                    panic!("never said {words:?}; it said:\n{}", self.heard.join("\n"))
                }
            }
        }
    }

    pub(crate) fn terminate(&self) {
        signal(self.pid(), Signal::TERM);
    }

    pub(crate) fn kill_9(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// How it ends, within reason.
    pub(crate) fn ends(&mut self) -> ExitStatus {
        let end = Instant::now() + PATIENCE;
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                self.heard.extend(self.lines.iter());
                return status;
            }
            assert!(Instant::now() < end, "it does not end; it said:\n{}", self.heard.join("\n"));
            std::thread::park_timeout(Duration::from_millis(5));
        }
    }

    /// Told to stop, it stops well.
    pub(crate) fn stops(mut self) -> Vec<String> {
        self.terminate();
        let status = self.ends();
        assert!(status.success(), "{status}: {}", self.heard.join("\n"));
        std::mem::take(&mut self.heard)
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        if matches!(self.child.try_wait(), Ok(None)) {
            self.terminate();
            let _ = self.child.wait();
        }
    }
}

pub(crate) fn signal(pid: u32, signal: Signal) {
    let pid = Pid::from_raw(i32::try_from(pid).unwrap()).unwrap();
    kill_process(pid, signal).unwrap();
}

/// Waits until something is so, for as long as a slow machine may need.
pub(crate) fn until(what: &str, so: impl Fn() -> bool) {
    let start = Instant::now();
    while !so() {
        assert!(start.elapsed() < PATIENCE, "{what} did not happen");
        std::thread::park_timeout(Duration::from_millis(20));
    }
}

/// The processes whose command line names this place, beside those of the tests: number and command line.
pub(crate) fn processes_of(place: &Place) -> Vec<(u32, String)> {
    let marker = place.path("").display().to_string();
    let numbers = std::fs::read_dir("/proc").unwrap().flatten();
    numbers
        .filter_map(|entry| {
            let pid: u32 = entry.file_name().to_str()?.parse().ok()?;
            let line = std::fs::read(entry.path().join("cmdline")).ok()?;
            let line = String::from_utf8_lossy(&line).replace('\0', " ");
            (line.contains(&marker) && pid != std::process::id()).then_some((pid, line))
        })
        .collect()
}

/// The children of a process whose command line has this word.
pub(crate) fn children_of(pid: u32, word: &str) -> Vec<u32> {
    let children = std::fs::read_to_string(format!("/proc/{pid}/task/{pid}/children")).unwrap();
    let pids = children.split_whitespace().filter_map(|pid| pid.parse().ok());
    pids.filter(|pid| std::fs::read_to_string(format!("/proc/{pid}/cmdline")).is_ok_and(|line| line.contains(word)))
        .collect()
}

/// The first process of the server in this folder.
pub(crate) fn postmaster(place: &Place, server: &str) -> u32 {
    let file = place.path("data").join(format!("pg-{server}/data/postmaster.pid"));
    std::fs::read_to_string(file).unwrap().lines().next().unwrap().parse().unwrap()
}

/// Somebody with a browser, who trusts one certificate.
pub(crate) struct Browser {
    tls: std::sync::Arc<rustls::ClientConfig>,
}

impl Browser {
    pub(crate) fn trusting(pem: &str) -> Self {
        use rustls::pki_types::pem::PemObject as _;
        let mut roots = rustls::RootCertStore::empty();
        roots.add(rustls::pki_types::CertificateDer::from_pem_slice(pem.as_bytes()).unwrap()).unwrap();
        let provider = std::sync::Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let tls = rustls::ClientConfig::builder_with_provider(provider)
            .with_protocol_versions(&[&rustls::version::TLS13])
            .unwrap()
            .with_root_certificates(roots)
            .with_no_client_auth();
        Self { tls: std::sync::Arc::new(tls) }
    }

    /// The status of a page; `None` when nobody answers.
    pub(crate) fn status(&self, port: u16, path: &str) -> Option<u16> {
        self.get(port, path)?.split(' ').nth(1)?.parse().ok()
    }

    /// A page, head and body.
    pub(crate) fn get(&self, port: u16, path: &str) -> Option<String> {
        self.send(port, &format!("GET {path} HTTP/1.1"), "", "")
    }

    /// Fills the one form of a page that asks for nothing but `field`, as a browser would.
    pub(crate) fn fill(&self, port: u16, path: &str, field: &str) -> Option<String> {
        let page = self.get(port, path)?;
        let cookie =
            page.lines().find_map(|line| line.strip_prefix("set-cookie: ")).and_then(|line| line.split(';').next());
        let hidden = |name: &str| {
            let rest = page.split(&format!("name=\"{name}\" value=\"")).nth(1)?;
            rest.split('"').next()
        };
        let body = format!("csrf={}&once={}&{field}", hidden("csrf")?, hidden("once")?);
        let more = format!(
            "Cookie: {}\r\nOrigin: https://localhost:{port}\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: {}\r\n",
            cookie.unwrap_or_default(),
            body.len()
        );
        self.send(port, &format!("POST {path} HTTP/1.1"), &more, &body)
    }

    fn send(&self, port: u16, line: &str, more: &str, body: &str) -> Option<String> {
        use std::io::{Read as _, Write as _};
        let name = rustls::pki_types::ServerName::try_from("localhost").unwrap();
        let connection = rustls::ClientConnection::new(std::sync::Arc::clone(&self.tls), name).unwrap();
        let stream = std::net::TcpStream::connect(("127.0.0.1", port)).ok()?;
        stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        let mut stream = rustls::StreamOwned::new(connection, stream);
        write!(stream, "{line}\r\nHost: localhost:{port}\r\nConnection: close\r\n{more}\r\n{body}").ok()?;
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer);
        Some(String::from_utf8_lossy(&answer).into_owned())
    }
}

/// What a command said, both streams.
pub(crate) fn said(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

/// Whether a path is there.
pub(crate) fn is_there(path: &Path) -> bool {
    path.symlink_metadata().is_ok()
}
