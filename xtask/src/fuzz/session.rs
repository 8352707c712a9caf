//! Builds the fuzz targets, lets libFuzzer run each for its time, and reads what it says.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;

use super::report::Row;
use super::tools::Tools;
use crate::failure::Failure;
use crate::{terminal, workspace};

/// Longer inputs find nothing that shorter ones do not, but the limits of a message, which the oracles make tight.
const LONGEST_INPUT_BYTES: u32 = 4_096;

/// One input may take so long. Most take microseconds.
const LONGEST_RUN_S: u32 = 10;

/// The address sanitizer has nothing to find in code without `unsafe`, and costs speed.
const SANITIZER: [&str; 2] = ["--sanitizer", "none"];

/// The names of all targets, in order.
pub(crate) fn targets(root: &Path) -> Result<Vec<String>, Failure> {
    let folder = root.join("fuzz/fuzz_targets");
    let entries = fs::read_dir(&folder).map_err(|error| Failure::io("read", &folder, &error))?;
    let names = entries.flatten().map(|entry| entry.file_name().to_string_lossy().into_owned());
    let mut names: Vec<String> = names.filter_map(|name| name.strip_suffix(".rs").map(str::to_owned)).collect();
    names.sort();
    Ok(names)
}

/// Built targets, and the folder in which they work.
pub(crate) struct Session {
    folder: PathBuf,
    tools: Tools,
}

impl Session {
    /// Builds all targets and writes their seeds.
    pub(crate) fn prepare(folder: PathBuf, tools: Tools) -> Result<Self, Failure> {
        terminal::progress("fuzz: building");
        let session = Self { folder, tools };
        let mut seeds = Command::new("cargo");
        seeds.args(["run", "--quiet", "-p", "seawall-fuzz", "--bin", "write-seeds", "--"]);
        succeed(seeds.arg(session.folder.join("made-seeds")).current_dir(workspace::root()))?;
        succeed(session.cargo_fuzz("build").args(SANITIZER))?;
        Ok(session)
    }

    /// Runs one target to the end of its time, or to its first finding.
    pub(crate) fn fuzz(&self, target: &str, seconds: u32) -> Result<Row, Failure> {
        let corpus = self.made(&format!("corpus/{target}"))?;
        let findings = self.made(&format!("findings/{target}"))?;
        let output = self.folder.join(format!("{target}.log"));
        let log = File::create(&output).map_err(|error| Failure::io("create", &output, &error))?;
        let before = files(&findings);

        let mut command = self.cargo_fuzz("run");
        command.args(SANITIZER).arg(target);
        // What libFuzzer finds worth keeping goes to the first folder; the others are only read.
        command.arg(corpus).arg(self.folder.join("made-seeds").join(target)).arg(format!("fuzz/seeds/{target}"));
        command.arg("--").arg(format!("-max_total_time={seconds}"));
        command.arg(format!("-max_len={LONGEST_INPUT_BYTES}")).arg(format!("-timeout={LONGEST_RUN_S}"));
        command.arg(format!("-dict=fuzz/dictionaries/{target}.dict"));
        command.arg(format!("-artifact_prefix={}/", findings.display()));
        let status = command.stderr(log).status();
        let ended = status.map_err(|error| Failure::unavailable(format!("cannot run rustup: {error}")))?.success();

        let text = fs::read_to_string(&output).unwrap_or_default();
        let found: Vec<PathBuf> = files(&findings).into_iter().filter(|file| !before.contains(file)).collect();
        if !ended && found.is_empty() {
            return Err(Failure::broken(format!("fuzz: {target} did not run; see {}", output.display())));
        }
        Ok(Row::read(target, seconds, &text, found))
    }

    fn cargo_fuzz(&self, word: &str) -> Command {
        let mut command = self.tools.cargo_fuzz();
        command.args([word, "--fuzz-dir", "fuzz"]).current_dir(workspace::root());
        command.env("CARGO_TARGET_DIR", &self.folder);
        command
    }

    fn made(&self, name: &str) -> Result<PathBuf, Failure> {
        let folder = self.folder.join(name);
        fs::create_dir_all(&folder).map_err(|error| Failure::io("create", &folder, &error))?;
        Ok(folder)
    }
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut files: Vec<PathBuf> =
        fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path()).collect();
    files.sort();
    files
}

fn succeed(command: &mut Command) -> Result<(), Failure> {
    let status = command.status().map_err(|error| Failure::unavailable(format!("cannot run a build: {error}")))?;
    if status.success() { Ok(()) } else { Err(Failure::broken("fuzz: the build failed, see above")) }
}
