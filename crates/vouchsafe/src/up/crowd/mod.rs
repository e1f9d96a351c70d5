//! The crowd: a thousand invented patients for each practice of a demonstration, with histories, so that
//! searching, lists and records look as they do where people work. Drawn from a seed, the same everywhere,
//! and brought in through the ordinary import: they come in by the front door.
//!
//! It takes minutes, so it is done while the demonstration is already in use. Stopped, it goes on with the
//! next start: an import passes over what it has brought in before.

mod draw;
mod history;
mod people;

use std::io::Write as _;
use std::path::Path;

use kernel::PracticeId;
use practice::exchange::{ImportSettings, import_folder};
use serde_json::Value;
use store::Store;

use crate::failure::Failure;
use draw::Draw;
use history::Writer;
use people::Registry;

/// Patients of one practice.
pub(crate) const PATIENTS: u32 = 1_000;
/// The seed of the demonstration; another one is another world.
const SEED: u64 = 0x0043_524F_5744;
/// The name under which the import remembers where they came from.
const SOURCE: &str = "demonstration";

/// A practice that gets its crowd.
pub(crate) struct Crowd {
    /// ISO 3166's two letters.
    pub(crate) country: String,
    /// Who treats people there, by name.
    pub(crate) by: Vec<String>,
}

/// The files of a crowd: name and NDJSON.
type Files = [(&'static str, Vec<u8>); 2];

impl Crowd {
    /// Everything of the first `patients` of it.
    fn files(&self, patients: u32) -> Result<Files, Failure> {
        let country = people::country(&self.country)
            .ok_or_else(|| Failure::said(format!("the demonstration knows nobody in {}", self.country)))?;
        let illnesses = history::illnesses()?;
        let mut registry = Registry::new(country)?;
        let (mut who, mut what) = (Vec::new(), Vec::new());
        let seed = SEED ^ self.country.bytes().fold(0, |seed, byte| seed << 8 | u64::from(byte));
        for number in 0..patients {
            let mut draw = Draw::new(seed, u64::from(number));
            let person = registry.person(&mut draw, number)?;
            line(&mut who, &person.resource)?;
            for resource in Writer::new(&person, &self.by, &mut draw).write(&illnesses).resources {
                line(&mut what, &resource)?;
            }
        }
        Ok([("Patient.ndjson", who), ("Record.ndjson", what)])
    }

    /// Brings them in. What is in already stays as it is. `told` hears how many of a hundred are done.
    pub(crate) async fn bring(
        &self,
        store: &Store,
        practice: PracticeId,
        told: &mut (dyn FnMut(u64) + Send),
    ) -> Result<(), Failure> {
        let folder = tempfile::tempdir().map_err(|error| Failure::said(format!("no place for files: {error}")))?;
        write(folder.path(), &self.files(PATIENTS)?)?;
        let settings = ImportSettings { source: SOURCE.to_owned(), dry_run: false, named: Vec::new() };
        let report = import_folder(store, practice, folder.path(), &settings, &mut |progress| {
            if !progress.learning {
                told(progress.bytes * 100 / progress.bytes_total.max(1));
            }
        })
        .await
        .map_err(|error| Failure::said(format!("the invented patients could not be brought in: {error}")))?;
        match report.total().reject {
            0 => Ok(()),
            refused => Err(Failure::said(format!("{refused} invented records were refused:\n{report}"))),
        }
    }
}

fn line(out: &mut Vec<u8>, resource: &Value) -> Result<(), Failure> {
    serde_json::to_writer(&mut *out, resource).map_err(|error| Failure::said(error.to_string()))?;
    out.push(b'\n');
    Ok(())
}

fn write(folder: &Path, files: &Files) -> Result<(), Failure> {
    for (name, bytes) in files {
        let path = folder.join(name);
        let mut file = std::fs::File::create(&path).map_err(Failure::io("cannot write", &path))?;
        file.write_all(bytes).map_err(Failure::io("cannot write", &path))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests;
