//! `cargo xtask up`: from a fresh clone to a running installation.
//!
//! It prepares, builds and then *becomes* the program: what starts servers, makes certificates and prints
//! the sign-in lines is `vouchsafe up`, so that an evaluator without a Rust toolchain has the same command.

use std::ffi::OsString;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use cargo_metadata::MetadataCommand;
use clap::Args;

use crate::prepare::{self, Extent};
use crate::run::{self, Outcome};

#[derive(Args)]
pub(crate) struct Options {
    /// Start over: the demonstration's data folder is emptied first
    #[arg(long)]
    fresh: bool,
    /// Keep to a dozen patients for each practice; else a thousand more come in while it runs
    #[arg(long)]
    few: bool,
    /// The port of <https://localhost>
    #[arg(long, default_value_t = 8443)]
    port: u16,
}

pub(crate) fn up(options: &Options) -> Outcome {
    let root = run::root()?;
    prepare::ensure(&root, Extent::Run)?;
    let program = build(&root, &["--package", "vouchsafe"])?;
    // `exec` comes back only when it failed.
    let error = Command::new(&program).args(arguments(&root, options)).current_dir(&root).exec();
    Err(format!("cannot run {}: {error}", program.display()))
}

fn arguments(root: &Path, options: &Options) -> Vec<OsString> {
    let mut arguments: Vec<OsString> = vec!["up".into(), "--folder".into(), root.join("data").into()];
    arguments.extend(["--port".into(), options.port.to_string().into()]);
    if options.fresh {
        arguments.push("--fresh".into());
    }
    if options.few {
        arguments.push("--few".into());
    }
    arguments
}

/// Builds the program with these packages and says where it is. The development profile: its dependencies
/// are optimised, and it builds in a third of the time of a release.
pub(crate) fn build(root: &Path, packages: &[&str]) -> Outcome<PathBuf> {
    let target = MetadataCommand::new()
        .manifest_path(root.join("Cargo.toml"))
        .no_deps()
        .exec()
        .map_err(|error| format!("cargo metadata: {error}"))?
        .target_directory
        .into_std_path_buf();
    let program = target.join("debug").join("vouchsafe");
    if !program.is_file() {
        println!("building Vouchsafe; the first time takes ten minutes or so on two cores, later seconds");
    }
    run::run(run::cargo(root).arg("build").args(packages))?;
    Ok(program)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_program_is_given_one_folder_for_all_its_data() {
        let words = arguments(Path::new("/srv/clone"), &Options { fresh: true, few: true, port: 9000 });
        assert_eq!(words, ["up", "--folder", "/srv/clone/data", "--port", "9000", "--fresh", "--few"]);
    }
}
