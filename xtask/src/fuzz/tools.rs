//! What fuzzing needs beside the ordinary compiler, and what to install when it is not there.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::failure::Failure;

const NIGHTLY: &str = "fuzz: there is no nightly compiler, which libFuzzer's instrumentation needs.\n\
    Run: rustup toolchain install nightly --profile minimal\n\
    Without it, the seeds still run: cargo test -p seawall-fuzz";

/// The programs that build and start fuzz targets.
pub(crate) struct Tools {
    cargo_fuzz: PathBuf,
}

/// `folder` is where `./test` keeps its tools; those on the path come first.
pub(crate) fn find(folder: &Path) -> Result<Tools, Failure> {
    if !works(nightly().args(["cargo", "--version"])) {
        return Err(Failure::unavailable(NIGHTLY));
    }
    let own = folder.join("cargo-fuzz");
    let programs = [PathBuf::from("cargo-fuzz"), own.join("bin/cargo-fuzz")];
    let found = programs.into_iter().find(|program| works(Command::new(program).arg("--version")));
    found.map(|cargo_fuzz| Tools { cargo_fuzz }).ok_or_else(|| {
        let install = format!("cargo install cargo-fuzz --locked --root {}", own.display());
        Failure::unavailable(format!("fuzz: cargo-fuzz is not installed.\nRun: {install}"))
    })
}

impl Tools {
    /// cargo-fuzz with the nightly compiler. Cargo tells its children where it is; that would be the stable one.
    pub(crate) fn cargo_fuzz(&self) -> Command {
        let mut command = nightly();
        command.arg(&self.cargo_fuzz).env_remove("CARGO");
        command
    }
}

fn nightly() -> Command {
    let mut command = Command::new("rustup");
    command.args(["run", "nightly"]);
    command
}

fn works(command: &mut Command) -> bool {
    command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success())
}
