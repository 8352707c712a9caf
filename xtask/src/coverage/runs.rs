//! Builds and runs the tests with instrumentation: only this workspace's crates carry it, so that the rest builds and runs at full speed.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::failure::Failure;
use crate::workspace;

/// Cargo calls it instead of rustc for the workspace's own crates.
const WRAPPER: &str = "#!/bin/sh\nexec \"$@\" -C instrument-coverage\n";

/// How many files the processes of one program share; each process merges its counts into one of them when it ends.
const PROFILES_PER_PROGRAM: u32 = 4;

/// An instrumented build in its own folder.
pub(crate) struct Build {
    pub(crate) folder: PathBuf,
    packages: Vec<String>,
}

/// Tests that take long and run what others run as well, with other people's programs or for a long time: `./test` runs them.
const ONCE_IS_ENOUGH: &str = "not (package(seawall) and test(/^(outbound::sdks|schemathesis|applications|browser|reload::load|restart::load)::|^guards::report::wk_17_what/))";

impl Build {
    /// Makes the folder ready; profiles of an earlier run are deleted.
    pub(crate) fn prepare(folder: &Path, packages: &[&str]) -> Result<Self, Failure> {
        let profiles = folder.join("profiles");
        if profiles.exists() {
            std::fs::remove_dir_all(&profiles).map_err(|error| Failure::io("delete", &profiles, &error))?;
        }
        std::fs::create_dir_all(&profiles).map_err(|error| Failure::io("create", &profiles, &error))?;
        let packages = if packages.is_empty() {
            vec!["--workspace".to_owned()]
        } else {
            packages.iter().map(ToString::to_string).collect()
        };
        let build = Self { folder: folder.to_path_buf(), packages };
        let wrapper = build.wrapper();
        std::fs::write(&wrapper, WRAPPER).map_err(|error| Failure::io("write", &wrapper, &error))?;
        let executable = std::fs::Permissions::from_mode(0o755);
        std::fs::set_permissions(&wrapper, executable)
            .map_err(|error| Failure::io("make executable", &wrapper, &error))?;
        Ok(build)
    }

    /// Whether all tests passed.
    pub(crate) fn run_tests(&self) -> Result<bool, Failure> {
        let status = if has_nextest() {
            self.cargo(&["nextest", "run"]).args(["--no-fail-fast", "--retries", "1", "-E", ONCE_IS_ENOUGH]).status()
        } else {
            self.cargo(&["test"]).arg("--no-fail-fast").status()
        };
        status
            .map(|status| status.success())
            .map_err(|error| Failure::unavailable(format!("cannot run cargo: {error}")))
    }

    pub(crate) fn profiles(&self) -> Result<Vec<PathBuf>, Failure> {
        let folder = self.folder.join("profiles");
        let entries = std::fs::read_dir(&folder).map_err(|error| Failure::io("read", &folder, &error))?;
        let found: Vec<PathBuf> = entries
            .flatten()
            .map(|entry| entry.path())
            .filter(|path| path.extension().is_some_and(|end| end == "profraw"))
            .collect();
        if found.is_empty() {
            return Err(Failure::broken("coverage: no test ran to its end, so there is nothing to report"));
        }
        Ok(found)
    }

    /// The test programs and the binaries they start.
    pub(crate) fn programs(&self) -> Result<Vec<String>, Failure> {
        let output = self.cargo(&["test", "--no-run", "--message-format=json"]).stderr(Stdio::null()).output();
        let output = output.map_err(|error| Failure::unavailable(format!("cannot run cargo: {error}")))?;
        let mut programs = workspace::json_strings(&String::from_utf8_lossy(&output.stdout), "executable");
        programs.sort();
        programs.dedup();
        Ok(programs)
    }

    fn wrapper(&self) -> PathBuf {
        self.folder.join("rustc-wrapper.sh")
    }

    fn cargo(&self, words: &[&str]) -> Command {
        let mut command = Command::new("cargo");
        let profile = self.folder.join(format!("profiles/%{PROFILES_PER_PROGRAM}m.profraw"));
        command.args(words).args(&self.packages).current_dir(workspace::root());
        command
            .env("CARGO_TARGET_DIR", &self.folder)
            .env("RUSTC_WORKSPACE_WRAPPER", self.wrapper())
            .env("LLVM_PROFILE_FILE", profile)
            // The map from counters to lines is its own; debug information would only take room.
            .env("CARGO_PROFILE_DEV_DEBUG", "0")
            .env("CARGO_INCREMENTAL", "0");
        command
    }
}

fn has_nextest() -> bool {
    let quiet =
        Command::new("cargo").args(["nextest", "--version"]).stdout(Stdio::null()).stderr(Stdio::null()).status();
    quiet.is_ok_and(|status| status.success())
}
