//! Misuses that must not compile. Each fixture is one misuse of a few lines; a comment beside the line says
//! which error the compiler must give for it: `//~ CODE message`. They are compiled against the library that
//! this test was linked with, so nothing is built twice.

use std::cmp::Reverse;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;

const FIXTURES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/compile");
/// The one fixture that is no misuse.
const AS_IT_IS_MEANT: &str = "as_it_is_meant.rs";

#[test]
fn misuses_do_not_compile() {
    let linked = Linked::find();
    let fixtures = std::fs::read_dir(FIXTURES).unwrap().map(|entry| entry.unwrap().path());
    let mut wrong = Vec::new();
    let mut misuses = 0;
    for fixture in fixtures {
        let expected = expected(&fixture);
        let meant = fixture.ends_with(AS_IT_IS_MEANT);
        assert_eq!(expected.is_empty(), meant, "{}: a misuse says what is wrong with it", fixture.display());
        misuses += usize::from(!meant);
        let said = said(&linked, &fixture);
        if said != expected {
            wrong.push(format!("{}\n  expected {expected:#?}\n  the compiler says {said:#?}", fixture.display()));
        }
    }
    assert!(misuses > 0 && wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Line, code and message of each error that a fixture must give.
fn expected(fixture: &Path) -> Vec<(u64, String)> {
    let source = std::fs::read_to_string(fixture).unwrap();
    let marked = (1..).zip(source.lines()).filter_map(|(number, line)| Some((number, line.split_once("//~ ")?.1)));
    marked.map(|(number, error)| (number, error.to_owned())).collect()
}

/// Line, code (`-` for none) and message of each error that the compiler gives, the same one once.
fn said(linked: &Linked, fixture: &Path) -> Vec<(u64, String)> {
    let output = linked.compile(fixture);
    let lines = String::from_utf8(output.stderr).unwrap();
    let diagnostics = lines.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let errors = diagnostics.filter(|told| told["level"] == "error" && !told["spans"].as_array().unwrap().is_empty());
    let mut errors: Vec<(u64, String)> = errors
        .map(|told| {
            let spans = told["spans"].as_array().unwrap();
            let place = spans.iter().find(|span| span["is_primary"] == true).unwrap();
            let code = told["code"]["code"].as_str().unwrap_or("-");
            (place["line_start"].as_u64().unwrap(), format!("{code} {}", told["message"].as_str().unwrap()))
        })
        .collect();
    errors.sort();
    errors.dedup();
    assert_eq!(output.status.success(), errors.is_empty(), "{}: {lines}", fixture.display());
    errors
}

/// The libraries that the fixtures are compiled against.
struct Linked {
    folder: PathBuf,
    kernel: PathBuf,
    store: PathBuf,
}

impl Linked {
    /// The newest libraries, beside this test, that fit each other. Where packages were built in several
    /// selections there are several of each.
    fn find() -> Self {
        let folder = std::env::current_exe().unwrap().parent().unwrap().to_owned();
        let meant = Path::new(FIXTURES).join(AS_IT_IS_MEANT);
        for store in libraries(&folder, "store") {
            for kernel in libraries(&folder, "kernel") {
                let linked = Self { folder: folder.clone(), kernel, store: store.clone() };
                if linked.compile(&meant).status.success() {
                    return linked;
                }
            }
        }
        panic!("no libraries with which the doors can be used as they are meant");
    }

    fn compile(&self, fixture: &Path) -> Output {
        let out = tempfile::tempdir().unwrap();
        let mut rustc = Command::new(std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into()));
        rustc.args(["--edition=2024", "--crate-type=lib", "--emit=metadata", "--error-format=json"]);
        rustc.arg("--out-dir").arg(out.path());
        rustc.arg("-L").arg(format!("dependency={}", self.folder.display()));
        rustc.arg("--extern").arg(format!("kernel={}", self.kernel.display()));
        rustc.arg("--extern").arg(format!("store={}", self.store.display()));
        rustc.arg(fixture).output().unwrap()
    }
}

/// The libraries of a crate that lie in a folder, newest first.
fn libraries(folder: &Path, name: &str) -> Vec<PathBuf> {
    let files = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let mut of_crate: Vec<PathBuf> = files
        .filter(|path| {
            let file = path.file_name().unwrap().to_string_lossy();
            file.starts_with(&format!("lib{name}-")) && file.ends_with(".rlib")
        })
        .collect();
    of_crate.sort_by_key(|path| Reverse(path.metadata().unwrap().modified().unwrap()));
    of_crate
}
