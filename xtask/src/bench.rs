//! `cargo xtask bench`: builds the program as it is shipped, and what measures it, and measures.

use std::ffi::OsString;
use std::os::unix::process::CommandExt;
use std::process::Command;

use cargo_metadata::MetadataCommand;
use clap::Args;

use crate::prepare::{self, Extent};
use crate::run::{self, Outcome};

#[derive(Args)]
pub(crate) struct Options {
    /// What is measured and where the figures go; --help lists it
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    words: Vec<OsString>,
}

pub(crate) fn bench(options: &Options) -> Outcome {
    let root = run::root()?;
    prepare::ensure(&root, Extent::Run)?;
    let target = MetadataCommand::new()
        .manifest_path(root.join("Cargo.toml"))
        .no_deps()
        .exec()
        .map_err(|error| format!("cargo metadata: {error}"))?
        .target_directory
        .into_std_path_buf();
    println!("building Vouchsafe for release; the first time takes a quarter of an hour or so on two cores");
    run::run(run::cargo(&root).args(["build", "--release", "--package", "vouchsafe", "--package", "bench"]))?;
    let built = target.join("release");
    let mut measuring = Command::new(built.join("bench"));
    measuring.arg("run").arg("--program").arg(built.join("vouchsafe")).args(&options.words).current_dir(&root);
    // `exec` comes back only when it failed.
    let error = measuring.exec();
    Err(format!("cannot run {}: {error}", built.join("bench").display()))
}
