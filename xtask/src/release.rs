//! `cargo xtask release`: builds the program as it is released, tuned by what its code does under traffic.
//!
//! The compiler builds an instrumented program, which serves traffic as a day brings it; from the counts the second build knows
//! which code is busy and which is not. Busy code is laid together and made fast, the rest is made small, so a request costs less
//! and less of the program has to be in memory.

use std::hash::{DefaultHasher, Hasher};
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::failure::Failure;
use crate::llvm::{self, Found, Tools, Unseen};
use crate::{order, relocations, terminal, workspace};

/// What llvm-profdata makes of all counts.
const COUNTED: &str = "all.profdata";

/// Seconds of traffic in clear, over TLS, of people who signed in, and of calls of language models; each so many.
const TRAFFIC_SECONDS: &str = "15";

const USAGE: &str = "\
Usage: cargo xtask release

Builds target/tuned/seawall: the released program, tuned by what its code does under traffic. Needs llvm-profdata of the
compiler's own LLVM, and valgrind to lay together what runs at rest. Three builds with optimisation of the whole program take half an
hour on two cores; what has not changed is not built again.

Exit code: 0, or 64 for wrong arguments, 69 when a tool is missing, 70 when a step failed.";

/// Builds it and says where it is.
pub(crate) fn run(words: &[&str]) -> Result<(), Failure> {
    match words {
        [] => {}
        ["--help" | "-h"] => {
            terminal::say(USAGE);
            return Ok(());
        }
        _ => return Err(Failure::usage(USAGE)),
    }
    terminal::say(&build()?.display().to_string());
    Ok(())
}

/// The tuned program.
pub(crate) fn build() -> Result<PathBuf, Failure> {
    let tools = match llvm::find()? {
        Found::Tools(tools) => tools,
        Found::Missing(reason) => return Err(Failure::unavailable(format!("the program cannot be tuned. {reason}"))),
    };
    let folder = workspace::target_directory()?.join("tuned");
    let host = llvm::host()?;
    let building = Building { folder: &folder, host: &host };
    terminal::progress("release: building the program with counters in its code");
    let counting = building.compile("counting", &format!("-Cprofile-generate={}", raw(&folder).display()), &[])?;
    let rest = folder.join("rest");
    let [profile, at_rest] = [folder.join(COUNTED), rest.join(COUNTED)];
    if [&profile, &at_rest].iter().any(|profile| !profile.is_file() || newer(&counting, profile)) {
        count(&counting, &["rest"], &rest, &tools)?;
        count(&counting, &[TRAFFIC_SECONDS], &folder, &tools)?;
    }
    terminal::progress("release: building the program by what was counted");
    // Named by its content: cargo builds anew when the name of the file changes, and does not look into it.
    let named = folder.join(format!("{:016x}.profdata", fingerprint(&[&profile, &at_rest])?));
    std::fs::copy(&profile, &named).map_err(|error| Failure::io("write", &named, &error))?;
    let by_counts = format!("-Cprofile-use={}", named.display());
    let mut words: Vec<String> = relocations::words().into_iter().collect();
    if order::is_taken(&host) {
        let ran = watch(&building, &by_counts, &words, &rest)?;
        let counted = [tools.counts(&named)?, tools.counts(&at_rest)?];
        terminal::progress("release: building it once more, with what runs at rest laid together");
        words.extend(order::words(&counted, &ran, &folder)?);
    }
    let tuned = building.compile("final", &by_counts, &words)?;
    let placed = folder.join("seawall");
    std::fs::copy(&tuned, &placed).map_err(|error| Failure::io("write", &placed, &error))?;
    Ok(placed)
}

/// Where is built, and for what.
struct Building<'a> {
    folder: &'a Path,
    host: &'a str,
}

impl Building<'_> {
    /// Builds the released profile with more words for the compiler, in a folder of its own, and with `last` words for the program
    /// alone, whose change leaves the libraries as they are. Naming the host as the target keeps words away from build scripts and
    /// macros. Flags of the environment do not count: what is released is always built alike.
    fn compile(&self, name: &str, words: &str, last: &[String]) -> Result<PathBuf, Failure> {
        let own = self.folder.join(name);
        let mut command = Command::new("cargo");
        command.args([
            "rustc",
            "--release",
            "-p",
            "seawall",
            "--bin",
            "seawall",
            "--target",
            self.host,
            "--target-dir",
        ]);
        command.arg(&own).arg("--").args(last).env("RUSTFLAGS", words).current_dir(workspace::root());
        let program = own.join(self.host).join("release/seawall");
        if command.status().is_ok_and(|status| status.success()) && program.is_file() {
            return Ok(program);
        }
        Err(Failure::broken(format!("release: the build in {} failed; what it said is above", own.display())))
    }
}

/// Runs the counting program, under traffic or at rest, and puts its counts into one file in `folder`.
fn count(program: &Path, traffic: &[&str], folder: &Path, tools: &Tools) -> Result<(), Failure> {
    let raw = raw(folder);
    if raw.exists() {
        std::fs::remove_dir_all(&raw).map_err(|error| Failure::io("delete", &raw, &error))?;
    }
    std::fs::create_dir_all(&raw).map_err(|error| Failure::io("make", &raw, &error))?;
    serve(program, traffic, &raw)?;
    let entries = std::fs::read_dir(&raw).map_err(|error| Failure::io("read", &raw, &error))?;
    let counts: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
    // Code that never ran has to be told from code that nobody counted: only the former is made small.
    tools.merge(&counts, folder, Unseen::Told).map(drop)
}

/// What callgrind sees of the tuned program at rest. It sees the code that counts nothing too, C and Rust's own library, and functions by the
/// names that the tuned program has for them. Nothing where there is no valgrind.
fn watch(building: &Building<'_>, words: &str, last: &[String], folder: &Path) -> Result<String, Failure> {
    if Command::new("valgrind").arg("--version").output().is_err() {
        terminal::progress(
            "release: valgrind is not installed, so what runs at rest is laid together by counts alone. Run: apt-get install valgrind",
        );
        return Ok(String::new());
    }
    let last = [last, &["-Cstrip=none".to_owned()]].concat();
    let program = building.compile("final", words, &last)?;
    let ran = folder.join("callgrind.out");
    if !ran.is_file() || newer(&program, &ran) {
        let file = format!("--callgrind-out-file={}", ran.display());
        serve(&program, &["rest", "valgrind", "--quiet", "--tool=callgrind", "--demangle=no", &file], folder)?;
    }
    std::fs::read_to_string(&ran).map_err(|error| Failure::io("read", &ran, &error))
}

/// Runs a program under traffic or at rest; where it writes its counts is of no matter but for those it is run for.
fn serve(program: &Path, traffic: &[&str], counts: &Path) -> Result<(), Failure> {
    terminal::progress(&format!("release: counting ({})", traffic.join(" ")));
    let mut command = Command::new("cargo");
    command.args(["run", "--quiet", "-p", "seawall-testkit", "--example", "traffic", "--"]).arg(program).args(traffic);
    // Each process writes a file of its own.
    command.env("LLVM_PROFILE_FILE", counts.join("%p.profraw")).current_dir(workspace::root());
    if command.status().is_ok_and(|status| status.success()) {
        return Ok(());
    }
    Err(Failure::broken("release: the traffic failed; what it said is above"))
}

fn fingerprint(files: &[&Path]) -> Result<u64, Failure> {
    let mut hasher = DefaultHasher::new();
    for path in files {
        hasher.write(&std::fs::read(path).map_err(|error| Failure::io("read", path, &error))?);
    }
    Ok(hasher.finish())
}

fn raw(folder: &Path) -> PathBuf {
    folder.join("raw")
}

fn newer(one: &Path, other: &Path) -> bool {
    let changed = |path: &Path| path.metadata().and_then(|metadata| metadata.modified()).ok();
    changed(one) > changed(other)
}
