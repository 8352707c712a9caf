//! Finds LLVM's profile tools that can read what this compiler writes, and runs them.
//!
//! The format belongs to the LLVM that rustc was built with: tools of that major version or a later one read it. They come
//! with rustup (`llvm-tools`), or as the distribution's package `llvm-N`.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::failure::Failure;

/// How many major versions after rustc's own are looked for.
const LATER_MAJORS: u32 = 4;

/// The answer to a search.
pub(crate) enum Found {
    Tools(Tools),
    /// Why there are none, and what to install.
    Missing(String),
}

/// A matching pair of programs.
pub(crate) struct Tools {
    profdata: PathBuf,
    cov: PathBuf,
}

pub(crate) fn find() -> Result<Found, Failure> {
    let version = answer(Command::new("rustc").arg("-vV"))?;
    let host = field(&version, "host: ").unwrap_or_default();
    let needed = field(&version, "LLVM version: ").and_then(major);
    let Some(needed) = needed else {
        return Ok(Found::Missing("This rustc does not say which LLVM it was built with.".to_owned()));
    };
    let sysroot = answer(Command::new("rustc").args(["--print", "sysroot"]))?;
    let rustup = Path::new(sysroot.trim()).join("lib/rustlib").join(host).join("bin");
    let fitting = candidates(&rustup, needed).into_iter().find(|tools| tools.fit(needed));
    Ok(fitting.map_or_else(|| Found::Missing(remedy(needed)), Found::Tools))
}

/// The machine that rustc builds for when nothing else is asked.
pub(crate) fn host() -> Result<String, Failure> {
    let version = answer(Command::new("rustc").arg("-vV"))?;
    let host = field(&version, "host: ").map(str::to_owned);
    host.ok_or_else(|| Failure::broken("rustc -vV names no host"))
}

fn candidates(rustup: &Path, needed: u32) -> Vec<Tools> {
    let mut all = vec![Tools { profdata: rustup.join("llvm-profdata"), cov: rustup.join("llvm-cov") }];
    for version in needed..=needed + LATER_MAJORS {
        let folder = PathBuf::from(format!("/usr/lib/llvm-{version}/bin"));
        all.push(Tools { profdata: folder.join("llvm-profdata"), cov: folder.join("llvm-cov") });
        all.push(Tools {
            profdata: format!("llvm-profdata-{version}").into(),
            cov: format!("llvm-cov-{version}").into(),
        });
    }
    all.push(Tools { profdata: "llvm-profdata".into(), cov: "llvm-cov".into() });
    all
}

fn remedy(needed: u32) -> String {
    format!(
        "No llvm-profdata and llvm-cov of LLVM {needed} or later, which this rustc's profiles need.\n\
         Install one of: rustup component add llvm-tools; apt-get install llvm-{needed}"
    )
}

/// What a merged profile says of functions that never ran.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unseen {
    /// Nothing, which makes it small.
    LeftOut,
    /// That they never ran, which is not the same as nobody having counted.
    Told,
}

impl Tools {
    fn fit(&self, needed: u32) -> bool {
        [&self.profdata, &self.cov].into_iter().all(|program| {
            let version = answer(Command::new(program).arg("--version")).ok();
            let found = version.as_deref().and_then(|text| text.split("LLVM version ").nth(1)).and_then(major);
            found.is_some_and(|found| found >= needed)
        })
    }

    /// Puts the profiles of all processes into one file in `folder`.
    pub(crate) fn merge(&self, profiles: &[PathBuf], folder: &Path, unseen: Unseen) -> Result<PathBuf, Failure> {
        let list = folder.join("profiles.txt");
        let names: Vec<String> = profiles.iter().map(|path| path.display().to_string()).collect();
        std::fs::write(&list, names.join("\n")).map_err(|error| Failure::io("write", &list, &error))?;
        let merged = folder.join("all.profdata");
        let sparse = if unseen == Unseen::LeftOut { "--sparse=true" } else { "--sparse=false" };
        // A process that was killed on purpose leaves half a file: only all files being unreadable is a failure.
        answer(
            Command::new(&self.profdata)
                .args(["merge", sparse, "--failure-mode=all", "--input-files"])
                .arg(&list)
                .arg("-o")
                .arg(&merged),
        )?;
        Ok(merged)
    }

    /// How often each block of each function ran, for people and for [`crate::order`].
    pub(crate) fn counts(&self, profile: &Path) -> Result<String, Failure> {
        answer(Command::new(&self.profdata).args(["show", "--all-functions", "--counts"]).arg(profile))
    }

    /// An lcov report over all programs that ran.
    pub(crate) fn export(&self, profile: &Path, programs: &[String]) -> Result<String, Failure> {
        let mut command = Command::new(&self.cov);
        command
            .args(["export", "--format=lcov", "--skip-functions", "--skip-branches", "--instr-profile"])
            .arg(profile);
        for program in programs {
            command.arg("--object").arg(program);
        }
        answer(&mut command)
    }
}

/// What a program printed; a failure when it did not succeed.
fn answer(command: &mut Command) -> Result<String, Failure> {
    let name = command.get_program().to_string_lossy().into_owned();
    let output = command.output().map_err(|error| Failure::unavailable(format!("cannot run {name}: {error}")))?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
    }
    Err(Failure::broken(format!("{name} failed: {}", String::from_utf8_lossy(&output.stderr).trim())))
}

fn field<'a>(text: &'a str, name: &str) -> Option<&'a str> {
    text.lines().find_map(|line| line.strip_prefix(name))
}

fn major(version: &str) -> Option<u32> {
    version.trim().split('.').next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_compilers_own_version_is_looked_for_first_and_older_ones_never() {
        let names: Vec<String> =
            candidates(Path::new("/rustup"), 22).iter().map(|tools| tools.cov.display().to_string()).collect();
        assert_eq!(names[..3], ["/rustup/llvm-cov", "/usr/lib/llvm-22/bin/llvm-cov", "llvm-cov-22"]);
        assert!(!names.iter().any(|name| name.contains("21")));
    }

    #[test]
    fn versions_are_read_from_what_the_programs_print() {
        let text = "rustc 1.95.0\nhost: x86_64-unknown-linux-gnu\nLLVM version: 22.1.2\n";
        assert_eq!(field(text, "LLVM version: ").and_then(major), Some(22));
        assert_eq!(field(text, "release: "), None);
    }
}
