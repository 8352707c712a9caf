//! What is compared: how each is configured, started and asked.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use super::client::Door;
use crate::bench::process::Running;
use crate::bench::scratch;
use crate::failure::Failure;
use crate::{clock, terminal, workspace};

/// LiteLLM takes ten seconds to start on a quiet machine.
const READY_LIMIT: Duration = Duration::from_secs(180);
const READY_PAUSE: Duration = Duration::from_millis(100);

const CHAT: &str = "/v1/chat/completions";

/// One of those that are compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Gateway {
    /// The provider itself; what the others add is counted from it.
    Direct,
    /// A bare reverse proxy.
    Nginx,
    Seawall,
    LiteLlm,
    Portkey,
}

/// Where the programs are.
#[derive(Debug)]
pub(crate) struct Programs {
    pub(crate) seawall: PathBuf,
    /// Where `bench/llm/install.sh` put the others.
    pub(crate) peers: Option<PathBuf>,
}

/// A gateway that runs, or none for the provider itself.
pub(crate) struct Started {
    pub(crate) door: Door,
    pub(crate) running: Option<Running>,
}

impl Gateway {
    pub(crate) const ALL: [Self; 5] = [Self::Direct, Self::Nginx, Self::Seawall, Self::LiteLlm, Self::Portkey];

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Direct => "direct",
            Self::Nginx => "nginx",
            Self::Seawall => "seawall",
            Self::LiteLlm => "litellm",
            Self::Portkey => "portkey",
        }
    }

    /// Its program, when it is installed; says so when it is not.
    pub(crate) fn found(self, programs: &Programs) -> bool {
        let (there, install) = match self {
            Self::Direct | Self::Seawall => return true,
            Self::Nginx => (nginx().is_some(), "apt-get install --no-install-recommends nginx-light"),
            Self::LiteLlm | Self::Portkey => (
                self.peer(programs).is_some_and(|program| program.exists()),
                "bench/llm/install.sh FOLDER, and name it with --peers",
            ),
        };
        if !there {
            terminal::progress(&format!("{} is not installed, so it is skipped. Run: {install}", self.name()));
        }
        there
    }

    fn peer(self, programs: &Programs) -> Option<PathBuf> {
        let below = match self {
            Self::LiteLlm => "litellm/bin/litellm",
            Self::Portkey => "portkey/node_modules/@portkey-ai/gateway/build/start-server.js",
            Self::Direct | Self::Nginx | Self::Seawall => return None,
        };
        Some(programs.peers.as_ref()?.join(below))
    }

    /// Starts it before the provider at this port, and waits until a call is answered.
    pub(crate) fn start(self, programs: &Programs, folder: &Path, provider: u16) -> Result<Started, Failure> {
        let [port, admin] = scratch::free_ports()?;
        let door = self.door(if self == Self::Direct { provider } else { port }, provider);
        let place = Place { folder, port, provider };
        let mut running = match self {
            Self::Direct => None,
            Self::Nginx => {
                let mut command = Command::new(nginx().unwrap_or_default());
                command.arg("-p").arg(folder).arg("-e").arg(folder.join("nginx.log")).arg("-c");
                Some(run(command.arg(place.configuration("bench-nginx.conf")?), folder)?)
            }
            Self::Seawall => {
                let mut command = Command::new(&programs.seawall);
                let [listen, _] = scratch::free_ports()?;
                command.args(["run", "--to", "http://127.0.0.1:9", "--listen", &format!("127.0.0.1:{listen}")]);
                command.args(["--admin", &format!("127.0.0.1:{admin}"), "--config"]);
                Some(run(command.arg(place.configuration("bench-seawall.toml")?), folder)?)
            }
            Self::LiteLlm => {
                let mut command = Command::new(self.peer(programs).unwrap_or_default());
                command.arg("--config").arg(place.configuration("bench-litellm.yaml")?);
                command.args(["--host", "127.0.0.1", "--port", &port.to_string()]);
                command.env("LITELLM_LOCAL_MODEL_COST_MAP", "True").env("LITELLM_LOG", "ERROR").env("NO_DOCS", "True");
                Some(run(&mut command, folder)?)
            }
            Self::Portkey => {
                let mut command = Command::new("node");
                command.arg("--import").arg(workspace::root().join("bench/llm/portkey-fix.mjs"));
                command.arg(self.peer(programs).unwrap_or_default()).args([&format!("--port={port}"), "--headless"]);
                Some(run(&mut command, folder)?)
            }
        };
        self.ready(&door, running.as_mut(), folder)?;
        Ok(Started { door, running })
    }

    fn door(self, port: u16, provider: u16) -> Door {
        let field = |name: &str, value: &str| format!("{name}: {value}\r\n");
        let (path, fields) = match self {
            Self::Direct | Self::Nginx => (CHAT, field("authorization", "Bearer any")),
            Self::Seawall => {
                ("/llm/v1/chat/completions", field("authorization", "Bearer a key of the bench, which is long enough"))
            }
            Self::LiteLlm => (CHAT, field("authorization", "Bearer sk-5c0f7b2e9d4a1836f0b7c2d9e8a4615372")),
            Self::Portkey => {
                let host = format!("http://127.0.0.1:{provider}/v1");
                let led = field("x-portkey-provider", "openai") + &field("x-portkey-custom-host", &host);
                (CHAT, field("authorization", "Bearer any") + &led)
            }
        };
        Door { port, path, fields }
    }

    fn ready(self, door: &Door, mut running: Option<&mut Running>, folder: &Path) -> Result<(), Failure> {
        let mut last = String::new();
        let answered = clock::poll(READY_LIMIT, READY_PAUSE, || {
            let asked = door.open().and_then(|mut caller| {
                caller.send(&door.call("fake", false))?;
                caller.answer()
            });
            match asked {
                Ok(_) => Some(true),
                Err(failure) => {
                    last = failure.to_string();
                    running.as_mut().and_then(|running| running.ended()).map(|_| false)
                }
            }
        });
        if answered == Some(true) {
            return Ok(());
        }
        let said = ["errors.log", "output.log"].map(|name| fs::read_to_string(folder.join(name)).unwrap_or_default());
        Err(Failure::broken(format!("{} does not answer: {last}\n{}", self.name(), said.concat())))
    }
}

/// Where a gateway runs, and what it stands before.
struct Place<'a> {
    folder: &'a Path,
    port: u16,
    provider: u16,
}

impl Place<'_> {
    /// Fills a template of `bench/llm`, and writes it into the folder.
    fn configuration(&self, name: &str) -> Result<PathBuf, Failure> {
        let template = workspace::root().join("bench/llm").join(name);
        let text = fs::read_to_string(&template).map_err(|error| Failure::io("read", &template, &error))?;
        let workers = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        let text = text
            .replace("@UPSTREAM@", &format!("127.0.0.1:{}", self.provider))
            .replace("@LISTEN@", &format!("127.0.0.1:{}", self.port))
            .replace("@WORKERS@", &workers.to_string())
            .replace("@FOLDER@", &self.folder.display().to_string());
        let target = self.folder.join(name);
        fs::write(&target, text).map_err(|error| Failure::io("write", &target, &error))?;
        Ok(target)
    }
}

fn run(command: &mut Command, folder: &Path) -> Result<Running, Failure> {
    command.current_dir(folder);
    Running::start(command, &folder.join("output.log"), &folder.join("errors.log"))
}

fn nginx() -> Option<PathBuf> {
    let there = |program: &&&str| Command::new(program).arg("-v").output().is_ok();
    ["nginx", "/usr/sbin/nginx"].iter().find(there).map(PathBuf::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_installed_is_left_out() {
        let programs = Programs { seawall: "seawall".into(), peers: None };
        assert!(Gateway::Direct.found(&programs) && Gateway::Seawall.found(&programs));
        assert!(!Gateway::LiteLlm.found(&programs) && !Gateway::Portkey.found(&programs));
    }

    #[test]
    fn templates_are_filled_with_what_a_run_uses() {
        let folder = std::env::temp_dir().join(format!("seawall-llm-bench-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        let place = Place { folder: &folder, port: 2, provider: 1 };
        for name in ["bench-nginx.conf", "bench-seawall.toml", "bench-litellm.yaml"] {
            let text = fs::read_to_string(place.configuration(name).unwrap()).unwrap();
            let left = text.split('@').skip(1).any(|after| after.starts_with(|first: char| first.is_ascii_uppercase()));
            assert!(!left && text.contains("127.0.0.1:1"), "{name}");
        }
        fs::remove_dir_all(&folder).unwrap();
    }
}
