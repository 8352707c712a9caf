//! A process takes over from another, with the real binary: no request is lost, and a successor that fails changes nothing.

mod calls;
mod keyed;
mod load;
mod refused;
mod taken;

use std::{fs, process::Command, time::Duration};

use seawall_testkit::upstream::{Kind, Upstream};
use serde_json::Value;

use crate::{
    applications::child::LIMIT,
    cli::binary::{Place, Server},
};

/// A server that may be succeeded by others. Dropped, whoever serves by then is ended, by its id.
struct Line {
    place: Place,
    server: Server,
    /// The process that served last, as far as is known.
    last: u64,
}

impl Line {
    fn serve(place: Place, arguments: &[&str]) -> Self {
        let server = place.serve(arguments);
        let last = u64::from(server.child.id());
        Self { place, server, last }
    }

    async fn in_front(toml: &str) -> (Upstream, Self) {
        let upstream = Upstream::start(Kind::ByPath).await;
        let line = Self::serve(Place::with_config(toml), &["run", "--to", &upstream.url()]);
        (upstream, line)
    }

    /// Restarts it, and gives the process that serves then.
    #[track_caller]
    fn restart(&mut self) -> u64 {
        self.restart_of(self.last)
    }

    /// The same, when another process serves than the one that was known.
    #[track_caller]
    fn restart_of(&mut self, process: u64) -> u64 {
        let said = self.place.seawall(&["restart", "--json"]).ok();
        let said: Value = serde_json::from_str(&said).expect("it answers in JSON");
        assert_eq!(said["predecessor"], process, "{said}");
        self.last = said["successor"].as_u64().expect("a process");
        self.last
    }

    /// The process that `seawall status` talks to.
    #[track_caller]
    fn process(&self) -> u64 {
        let said = self.place.seawall(&["status", "--json"]).ok();
        serde_json::from_str::<Value>(&said).expect("it answers in JSON")["pid"].as_u64().expect("a process")
    }

    fn write(&self, toml: &str) {
        fs::write(self.place.path().join("seawall.toml"), toml).expect("the file can be written");
    }

    /// How many lines of the logs of all say this.
    fn said(&self, text: &str) -> usize {
        self.server.child.out().lines().filter(|line| line.contains(text)).count()
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        if self.last != u64::from(self.server.child.id()) && runs(self.last) {
            signal(self.last, "KILL");
        }
    }
}

/// Sends a signal to a process that one of our children started.
pub(crate) fn signal(pid: u64, name: &str) {
    let mut kill = Command::new("sh");
    kill.args(["-c", "kill -s \"$0\" \"$1\""]).arg(name).arg(pid.to_string());
    assert!(kill.status().is_ok_and(|sent| sent.success()), "{name} could not be sent to {pid}");
}

/// Whether a process runs; one that only waits to be collected does not.
fn runs(pid: u64) -> bool {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    stat.rsplit(')').next().is_some_and(|rest| !rest.is_empty() && !rest.trim_start().starts_with('Z'))
}

pub(crate) async fn until_gone(pid: u64) {
    let limit = tokio::time::Instant::now() + LIMIT;
    while runs(pid) {
        assert!(tokio::time::Instant::now() < limit, "process {pid} goes on");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}
