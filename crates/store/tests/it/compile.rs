//! Misuses that must not compile. Each fixture is one misuse of a few lines; a comment beside the line says
//! which error the compiler must give for it: `//~ CODE message`. They are compiled against the library that
//! this test was linked with, so nothing is built twice.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::SystemTime;

use serde_json::Value;

/// The one fixture that is no misuse.
const AS_IT_IS_MEANT: &str = "as_it_is_meant.rs";

#[test]
fn misuses_do_not_compile() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/compile");
    let fixtures = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let mut wrong = Vec::new();
    let mut misuses = 0;
    for fixture in fixtures {
        let expected = expected(&fixture);
        let meant = fixture.ends_with(AS_IT_IS_MEANT);
        assert_eq!(expected.is_empty(), meant, "{}: a misuse says what is wrong with it", fixture.display());
        misuses += usize::from(!meant);
        let said = said(&fixture);
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
fn said(fixture: &Path) -> Vec<(u64, String)> {
    let (libraries, out) = (linked_with(), tempfile::tempdir().unwrap());
    let mut rustc = Command::new(std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into()));
    rustc.args(["--edition=2024", "--crate-type=lib", "--emit=metadata", "--error-format=json"]);
    rustc.arg("--out-dir").arg(out.path());
    rustc.arg("-L").arg(format!("dependency={}", libraries.display())).arg(fixture);
    for name in ["kernel", "store"] {
        rustc.arg("--extern").arg(format!("{name}={}", library(&libraries, name).display()));
    }
    let output = rustc.output().unwrap();
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

/// The folder in which cargo puts libraries, and this test.
fn linked_with() -> PathBuf {
    std::env::current_exe().unwrap().parent().unwrap().to_owned()
}

/// The library of a crate that this test was linked with: of those that lie there the newest that is not
/// younger than the test.
fn library(folder: &Path, name: &str) -> PathBuf {
    let made = |path: &Path| path.metadata().unwrap().modified().unwrap();
    let linked: SystemTime = made(&std::env::current_exe().unwrap());
    let files = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let of_crate = files.filter(|path| {
        let file = path.file_name().unwrap().to_string_lossy();
        file.starts_with(&format!("lib{name}-")) && file.ends_with(".rlib")
    });
    of_crate.filter(|path| made(path) <= linked).max_by_key(|path| made(path)).expect("the crate's library")
}
