//! What is compared: each variant's name, the program it needs and how that program is started.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::programs::{Programs, Proxy};
use crate::failure::Failure;

/// What `--check` compares.
pub(crate) const CHECKED: [Variant; 2] = [Variant::SeawallDefault, Variant::HaproxyHard];

/// One way from the load generator to the upstream. All but the first do the same duties.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Variant {
    /// No proxy.
    Direct,
    NginxHard,
    /// A log line is written before the answer counts as done, as HAProxy does it.
    NginxHardUnbuffered,
    HaproxyHard,
    CaddyHard,
    EnvoyHard,
    /// The other guards turned off.
    SeawallDuties,
    /// As installed, with a rate limit that is never reached.
    SeawallDefault,
}

/// What a variant runs with.
pub(crate) struct Place {
    /// The folder with the configuration templates.
    pub(crate) templates: PathBuf,
    /// Everything the proxy writes goes here.
    pub(crate) folder: PathBuf,
    pub(crate) upstream: u16,
    pub(crate) listen: u16,
    pub(crate) admin: u16,
    pub(crate) workers: usize,
}

impl Variant {
    pub(crate) const ALL: [Self; 8] = [
        Self::Direct,
        Self::NginxHard,
        Self::NginxHardUnbuffered,
        Self::HaproxyHard,
        Self::CaddyHard,
        Self::EnvoyHard,
        Self::SeawallDuties,
        Self::SeawallDefault,
    ];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Direct => "direct",
            Self::NginxHard => "nginx-hard",
            Self::NginxHardUnbuffered => "nginx-hard-unbuffered",
            Self::HaproxyHard => "haproxy-hard",
            Self::CaddyHard => "caddy-hard",
            Self::EnvoyHard => "envoy-hard",
            Self::SeawallDuties => "seawall-duties",
            Self::SeawallDefault => "seawall-default",
        }
    }

    /// The proxy that others make, when it is one.
    pub(crate) fn proxy(self) -> Option<Proxy> {
        match self {
            Self::Direct | Self::SeawallDuties | Self::SeawallDefault => None,
            Self::NginxHard | Self::NginxHardUnbuffered => Some(Proxy::Nginx),
            Self::HaproxyHard => Some(Proxy::Haproxy),
            Self::CaddyHard => Some(Proxy::Caddy),
            Self::EnvoyHard => Some(Proxy::Envoy),
        }
    }

    pub(crate) fn seawall(self) -> bool {
        matches!(self, Self::SeawallDuties | Self::SeawallDefault)
    }

    /// The file in the place's folder that gets a line per request.
    pub(crate) fn request_log(self) -> &'static str {
        if self.proxy() == Some(Proxy::Nginx) { "access.log" } else { "output.log" }
    }

    /// Writes the configuration and says how to start the proxy; `None` when there is none.
    pub(crate) fn command(self, programs: &Programs, place: &Place) -> Result<Option<Command>, Failure> {
        let command = match self {
            Self::Direct => return Ok(None),
            Self::NginxHard => nginx(programs, place, "buffer=64k flush=1s")?,
            Self::NginxHardUnbuffered => nginx(programs, place, "")?,
            Self::HaproxyHard => haproxy(programs, place)?,
            Self::CaddyHard => caddy(programs, place)?,
            Self::EnvoyHard => envoy(programs, place)?,
            Self::SeawallDuties => seawall(programs, place, "seawall-duties.toml")?,
            Self::SeawallDefault => seawall(programs, place, "seawall-default.toml")?,
        };
        Ok(Some(command))
    }
}

fn nginx(programs: &Programs, place: &Place, log_options: &str) -> Result<Command, Failure> {
    let configuration = render(place, "nginx-hard.conf", log_options)?;
    let mut command = Command::new(programs.proxy(Proxy::Nginx)?);
    command.arg("-p").arg(&place.folder).arg("-e").arg(place.folder.join("nginx.log")).arg("-c").arg(configuration);
    Ok(command)
}

fn haproxy(programs: &Programs, place: &Place) -> Result<Command, Failure> {
    let configuration = render(place, "haproxy-hard.cfg", "")?;
    let mut command = Command::new(programs.proxy(Proxy::Haproxy)?);
    command.arg("-db").arg("-f").arg(configuration);
    Ok(command)
}

/// Go's runtime is told how many threads may run; Caddy keeps what it makes for itself in the place's folder.
fn caddy(programs: &Programs, place: &Place) -> Result<Command, Failure> {
    let configuration = render(place, "caddy-hard.caddyfile", "")?;
    let mut command = Command::new(programs.proxy(Proxy::Caddy)?);
    command.args(["run", "--adapter", "caddyfile", "--config"]).arg(configuration);
    command.env("GOMAXPROCS", place.workers.to_string());
    command.env("XDG_CONFIG_HOME", &place.folder).env("XDG_DATA_HOME", &place.folder);
    Ok(command)
}

fn envoy(programs: &Programs, place: &Place) -> Result<Command, Failure> {
    let configuration = render(place, "envoy-hard.yaml", "")?;
    let mut command = Command::new(programs.proxy(Proxy::Envoy)?);
    command.args(["--disable-hot-restart", "--log-level", "error", "--concurrency", &place.workers.to_string(), "-c"]);
    command.arg(configuration);
    Ok(command)
}

/// Seawall with a configuration of the folder.
pub(crate) fn seawall(programs: &Programs, place: &Place, template: &str) -> Result<Command, Failure> {
    let configuration = render(place, template, "")?;
    let local = |port| format!("127.0.0.1:{port}");
    let mut command = Command::new(&programs.seawall);
    command.arg("run").args(["--to", &format!("http://{}", local(place.upstream))]);
    command.args(["--listen", &local(place.listen), "--admin", &local(place.admin), "--config"]).arg(configuration);
    command.current_dir(&place.folder);
    Ok(command)
}

/// Fills a template and writes it into the place's folder.
fn render(place: &Place, name: &str, log_options: &str) -> Result<PathBuf, Failure> {
    let template = place.templates.join(name);
    let text = fs::read_to_string(&template).map_err(|error| Failure::io("read", &template, &error))?;
    let target = place.folder.join(name);
    fs::write(&target, fill(&text, place, log_options)).map_err(|error| Failure::io("write", &target, &error))?;
    Ok(target)
}

fn fill(text: &str, place: &Place, log_options: &str) -> String {
    text.replace("@UPSTREAM@", &format!("127.0.0.1:{}", place.upstream))
        .replace("@UPSTREAM_PORT@", &place.upstream.to_string())
        .replace("@LISTEN_PORT@", &place.listen.to_string())
        .replace("@LISTEN@", &format!("127.0.0.1:{}", place.listen))
        .replace("@WORKERS@", &place.workers.to_string())
        .replace("@FOLDER@", &folder_text(&place.folder))
        .replace("@LOG_OPTIONS@", log_options)
}

fn folder_text(folder: &Path) -> String {
    folder.display().to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_template_is_filled_with_what_the_run_uses() {
        let place =
            Place { templates: "t".into(), folder: "/tmp/f".into(), upstream: 1, listen: 2, admin: 3, workers: 4 };
        let text = fill("@LISTEN@ @UPSTREAM_PORT@ @UPSTREAM@ @WORKERS@ @FOLDER@/a @LOG_OPTIONS@;", &place, "buffer=1");
        assert_eq!(text, "127.0.0.1:2 1 127.0.0.1:1 4 /tmp/f/a buffer=1;");
    }

    #[test]
    fn templates_leave_no_placeholder_behind() {
        let folder = crate::workspace::root().join("bench/proxy");
        let place =
            Place { templates: folder.clone(), folder: "/tmp/f".into(), upstream: 1, listen: 2, admin: 3, workers: 4 };
        for entry in fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            let text = fill(&fs::read_to_string(&path).unwrap(), &place, "");
            // Envoy's own `@type` is written small.
            let left = text.split('@').skip(1).any(|after| after.starts_with(|first: char| first.is_ascii_uppercase()));
            assert!(!left, "{}", path.display());
        }
    }
}
