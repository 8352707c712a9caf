//! The programs a bench needs: which are there, of which version, and what to install when they are not.

use std::path::PathBuf;
use std::process::{Command, Stdio};

use super::variants::{self, Variant};
use crate::failure::Failure;
use crate::{terminal, workspace};

const INSTALL: &str = "apt-get install --no-install-recommends nginx-light haproxy wrk";

/// Where the programs are. A proxy that no variant needs may be missing.
pub(crate) struct Programs {
    pub(crate) nginx: PathBuf,
    pub(crate) haproxy: PathBuf,
    pub(crate) seawall: PathBuf,
    /// What the installed proxies say they are, for the report.
    pub(crate) versions: String,
}

/// Finds the programs and drops variants whose proxy is not installed. Without wrk or Seawall there is no bench.
pub(crate) fn find(wanted: &mut Vec<Variant>, check: bool) -> Result<Programs, Failure> {
    if version("wrk", "-v").is_none() {
        return Err(Failure::unavailable(format!("wrk is not installed. Run: {INSTALL}")));
    }
    let nginx = wanted.iter().any(|variant| variant.nginx()).then(|| first(&["nginx", "/usr/sbin/nginx"], "-v"));
    let haproxy =
        wanted.iter().any(|variant| variant.haproxy()).then(|| first(&["haproxy", "/usr/sbin/haproxy"], "-v"));
    skip(wanted, nginx.as_ref().is_some_and(Option::is_none), "nginx", Variant::nginx);
    skip(wanted, haproxy.as_ref().is_some_and(Option::is_none), "haproxy", Variant::haproxy);
    if check && !variants::CHECKED.iter().all(|variant| wanted.contains(variant)) {
        return Err(Failure::unavailable(format!("--check needs haproxy. Run: {INSTALL}")));
    }
    let (nginx, nginx_version) = nginx.flatten().unwrap_or_default();
    let (haproxy, haproxy_version) = haproxy.flatten().unwrap_or_default();
    let seawall =
        if wanted.iter().any(|variant| variant.seawall()) { build_seawall("release")? } else { PathBuf::new() };
    let known: Vec<String> =
        [nginx_version, haproxy_version].into_iter().filter(|version| !version.is_empty()).collect();
    Ok(Programs { nginx, haproxy, seawall, versions: known.join(", ") })
}

fn skip(wanted: &mut Vec<Variant>, missing: bool, name: &str, belongs: fn(Variant) -> bool) {
    if missing {
        terminal::progress(&format!("{name} is not installed, so it is skipped. Run: {INSTALL}"));
        wanted.retain(|variant| !belongs(*variant));
    }
}

/// Builds Seawall with a profile of cargo's, `release` or one that inherits it.
pub(crate) fn build_seawall(profile: &str) -> Result<PathBuf, Failure> {
    terminal::progress(&format!("building seawall with profile {profile}"));
    let arguments = ["build", "--profile", profile, "-p", "seawall"];
    let built = Command::new("cargo").args(arguments).current_dir(workspace::root()).status();
    let program = workspace::target_directory()?.join(profile).join("seawall");
    if built.is_ok_and(|status| status.success()) && program.is_file() {
        return Ok(program);
    }
    let command = arguments.join(" ");
    Err(Failure::unavailable(format!("the seawall binary is missing: `cargo {command}` did not make it")))
}

fn first(programs: &[&str], argument: &str) -> Option<(PathBuf, String)> {
    programs.iter().find_map(|program| Some((PathBuf::from(program), version(program, argument)?)))
}

/// The first line a program says about itself, on either output; `None` when it cannot be started.
fn version(program: &str, argument: &str) -> Option<String> {
    let output = Command::new(program).arg(argument).stdin(Stdio::null()).output().ok()?;
    let text = [output.stdout, output.stderr].concat();
    let line = String::from_utf8_lossy(&text).lines().next().unwrap_or(program).to_owned();
    let line = line.trim_start_matches("nginx version: ");
    Some(line.split(" - ").next().unwrap_or(line).to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_that_cannot_be_started_has_no_version() {
        assert_eq!(version("no-such-program", "-v"), None);
        assert_eq!(first(&["no-such-program", "rustc"], "-V").map(|(path, _)| path), Some(PathBuf::from("rustc")));
    }

    #[test]
    fn only_the_variants_of_a_missing_program_are_dropped() {
        let mut wanted = Variant::ALL.to_vec();
        skip(&mut wanted, true, "nginx", Variant::nginx);
        skip(&mut wanted, false, "haproxy", Variant::haproxy);
        assert_eq!(wanted, [Variant::Direct, Variant::HaproxyHard, Variant::SeawallDuties, Variant::SeawallDefault]);
    }
}
