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
use crate::order::{self, AtRest};
use crate::{relocations, terminal, workspace};

/// What llvm-profdata makes of all counts.
const COUNTED: &str = "all.profdata";

/// Seconds of traffic in clear, over TLS, of people who signed in, and of calls of language models; each so many.
const TRAFFIC_SECONDS: &str = "15";

const USAGE: &str = "\
Usage: cargo xtask release

Builds target/tuned/seawall: the released program, tuned by what its code does under traffic. Needs llvm-profdata of the
compiler's own LLVM. Two builds with optimisation of the whole program take some minutes; what has not changed is not built again.

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
    terminal::progress("release: building the program with counters in its code");
    // With its symbols, by which valgrind names what runs.
    let generate = format!("-Cprofile-generate={} -Cstrip=none", raw(&folder).display());
    let counting = compile(&folder, "counting", &host, &generate)?;
    let rest = folder.join("rest");
    let [profile, at_rest, ran] = [folder.join(COUNTED), rest.join(COUNTED), rest.join("callgrind.out")];
    if [&profile, &at_rest].iter().any(|profile| !profile.is_file() || newer(&counting, profile)) {
        count(&counting, &["rest"], &rest, &tools)?;
        count(&counting, &[TRAFFIC_SECONDS], &folder, &tools)?;
        watch(&counting, &rest, &ran)?;
    }
    terminal::progress("release: building the program by what was counted");
    // Named by its content: cargo builds anew when the name of the file changes, and does not look into it.
    let named = folder.join(format!("{:016x}.profdata", fingerprint(&[&profile, &at_rest])?));
    std::fs::copy(&profile, &named).map_err(|error| Failure::io("write", &named, &error))?;
    let mut words = vec![format!("-Cprofile-use={}", named.display())];
    let at_rest = AtRest { profile: &at_rest, ran: ran.is_file().then_some(&ran) };
    words.extend(order::words(&named, &at_rest, &tools, &host)?);
    words.extend(relocations::words());
    let words = words.join(" ");
    let tuned = compile(&folder, "final", &host, &words)?;
    let placed = folder.join("seawall");
    std::fs::copy(&tuned, &placed).map_err(|error| Failure::io("write", &placed, &error))?;
    Ok(placed)
}

/// Builds the released profile with more words for the compiler, in a folder of its own. Naming the host as the target keeps those
/// words away from build scripts and macros. Flags of the environment do not count: what is released is always built alike.
fn compile(folder: &Path, name: &str, host: &str, words: &str) -> Result<PathBuf, Failure> {
    let own = folder.join(name);
    let mut command = Command::new("cargo");
    command.args(["build", "--release", "-p", "seawall", "--target", host, "--target-dir"]).arg(&own);
    let built = command.env("RUSTFLAGS", words).current_dir(workspace::root()).status();
    let program = own.join(host).join("release/seawall");
    if built.is_ok_and(|status| status.success()) && program.is_file() {
        return Ok(program);
    }
    Err(Failure::broken(format!("release: the build in {} failed; what it said is above", own.display())))
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

/// Runs the counting program at rest under callgrind, which sees the code that counts nothing too: C, and Rust's own library. Where there is
/// no valgrind, that code stays where it is.
fn watch(program: &Path, folder: &Path, ran: &Path) -> Result<(), Failure> {
    if ran.exists() {
        std::fs::remove_file(ran).map_err(|error| Failure::io("delete", ran, &error))?;
    }
    if Command::new("valgrind").arg("--version").output().is_err() {
        terminal::progress(
            "release: valgrind is not installed, so C's code is not laid together. Run: apt-get install valgrind",
        );
        return Ok(());
    }
    let file = format!("--callgrind-out-file={}", ran.display());
    serve(program, &["rest", "valgrind", "--quiet", "--tool=callgrind", "--demangle=no", &file], folder)
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
