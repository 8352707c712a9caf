//! One variant: start it, see that it answers, warm it up, then load it whenever it is its turn, and read what that cost.

use std::path::Path;
use std::time::Duration;

use super::http::{Answer, Connection};
use super::process::Running;
use super::programs::Programs;
use super::rate::{self, Latency};
use super::scratch::{self, Scratch};
use super::upstream::Upstream;
use super::variants::{Place, Variant};
use super::wrk::{self, Load};
use super::{cpu, duties};
use crate::failure::Failure;
use crate::{clock, workspace};

const WARM_UP_SECONDS: u32 = 2;
/// Short, so that whatever else the machine does is the same for all that are compared.
const TURN_SECONDS: u32 = 1;
const READY_LIMIT: Duration = Duration::from_secs(10);
const READY_PAUSE: Duration = Duration::from_millis(20);
pub(crate) const PATH: &str = "/items";

/// What every run of a bench shares.
pub(crate) struct Bench {
    pub(crate) programs: Programs,
    pub(crate) upstream: Upstream,
    pub(crate) scratch: Scratch,
    pub(crate) workers: usize,
    pub(crate) seconds: u32,
}

/// What one turn showed: a second at full speed, and one at a fixed rate. There is no cost without a proxy.
#[derive(Debug, Clone)]
pub(crate) struct Turn {
    pub(crate) variant: Variant,
    /// Turns of one round follow one another.
    pub(crate) round: u32,
    pub(crate) cpu_us_per_request: Option<f64>,
    pub(crate) load: Load,
    pub(crate) at_fixed_rate: Latency,
}

/// What is known of a variant once it has stopped.
#[derive(Debug, Clone)]
pub(crate) struct Served {
    pub(crate) variant: Variant,
    pub(crate) peak_mib: Option<f64>,
    /// Duties that were not done.
    pub(crate) missing: Vec<String>,
}

/// A variant that serves; without a proxy, the upstream itself.
pub(crate) struct Serving {
    variant: Variant,
    place: Place,
    proxy: Option<Running>,
    port: u16,
    first: Answer,
    requests: u64,
}

impl Bench {
    /// Starts a variant, and warms it up.
    pub(crate) fn serving(&self, variant: Variant) -> Result<Serving, Failure> {
        let place = self.place(variant)?;
        let mut proxy = self.start(variant, &place)?;
        let port = if proxy.is_some() { place.listen } else { place.upstream };
        let first = ready(variant, port, proxy.as_mut(), &place.folder)?;
        let mut serving = Serving { variant, place, proxy, port, first, requests: 0 };
        serving.load(WARM_UP_SECONDS)?;
        Ok(serving)
    }

    /// A proxy that answers.
    pub(crate) fn started(&self, variant: Variant) -> Result<(Place, Running), Failure> {
        let place = self.place(variant)?;
        let mut proxy =
            self.start(variant, &place)?.ok_or_else(|| Failure::broken(format!("{} is no proxy", variant.name())))?;
        ready(variant, place.listen, Some(&mut proxy), &place.folder)?;
        Ok((place, proxy))
    }

    /// A fresh folder and free ports for one run.
    pub(crate) fn place(&self, variant: Variant) -> Result<Place, Failure> {
        self.place_named(variant.name())
    }

    /// The same, where several run at a time.
    pub(crate) fn place_named(&self, name: &str) -> Result<Place, Failure> {
        let [listen, admin] = scratch::free_ports()?;
        Ok(Place {
            templates: workspace::root().join("bench/proxy"),
            folder: self.scratch.fresh(name)?,
            upstream: self.upstream.port,
            listen,
            admin,
            workers: self.workers,
        })
    }

    fn start(&self, variant: Variant, place: &Place) -> Result<Option<Running>, Failure> {
        let Some(mut command) = variant.command(&self.programs, place)? else { return Ok(None) };
        let errors = place.folder.join("errors.log");
        Running::start(&mut command, &place.folder.join("output.log"), &errors).map(Some)
    }
}

impl Serving {
    /// Takes its turn.
    pub(crate) fn turn(&mut self, round: u32) -> Result<Turn, Failure> {
        let variant = self.variant;
        let before = self.time()?;
        let load = self.load(TURN_SECONDS)?;
        let after = self.time()?;
        let at_fixed_rate =
            rate::run(self.port, TURN_SECONDS).map_err(|failure| invalid(variant, &failure.to_string()))?;
        let took = before.zip(after).map(|(before, after)| after.saturating_sub(before));
        let cpu_us_per_request = took.map(|took| took.as_secs_f64() * 1e6 / f64::from(load.requests));
        Ok(Turn { variant, round, cpu_us_per_request, load, at_fixed_rate })
    }

    /// Stops it, and looks whether its duties were done.
    pub(crate) fn end(self) -> Served {
        let peak_mib = self.proxy.as_ref().map(|proxy| mib(cpu::peak_memory_kib(proxy.id())));
        let mut missing = Vec::new();
        if let Some(proxy) = self.proxy {
            proxy.stop();
            missing.extend(duties::missing_in(&self.first));
            let log = self.place.folder.join(self.variant.request_log());
            missing.extend(duties::missing_in_log(&log, self.requests));
        }
        scratch::discard(&self.place.folder);
        Served { variant: self.variant, peak_mib, missing }
    }

    fn load(&mut self, seconds: u32) -> Result<Load, Failure> {
        let url = format!("http://127.0.0.1:{}{PATH}", self.port);
        let load = valid(self.variant, wrk::run(&url, seconds.into())?)?;
        self.requests += u64::from(load.requests);
        Ok(load)
    }

    /// What the proxy and its children have run for.
    fn time(&self) -> Result<Option<Duration>, Failure> {
        let Some(proxy) = &self.proxy else { return Ok(None) };
        let time = cpu::exact_time_of_tree(proxy.id());
        time.map(Some).ok_or_else(|| {
            Failure::unavailable("the system does not show how long a thread ran (/proc/PID/task/TID/sched)")
        })
    }
}

/// Asks until the proxy answers as the upstream does.
pub(crate) fn ready(
    variant: Variant,
    port: u16,
    proxy: Option<&mut Running>,
    folder: &Path,
) -> Result<Answer, Failure> {
    ready_within(READY_LIMIT, variant, port, proxy, folder)
}

/// The same, for a proxy that takes longer.
pub(crate) fn ready_within(
    limit: Duration,
    variant: Variant,
    port: u16,
    mut proxy: Option<&mut Running>,
    folder: &Path,
) -> Result<Answer, Failure> {
    let mut last = None;
    let mut ask = || match Connection::open(port).and_then(|mut connection| connection.get(PATH)) {
        Ok(answer) if answer.status == 200 => Some(Ok(answer)),
        other => {
            last = Some(other.map_or_else(|failure| failure.to_string(), |answer| format!("status {}", answer.status)));
            let ended = proxy.as_mut().and_then(|proxy| proxy.ended());
            ended.map(|status| Err(format!("it ended with {status}")))
        }
    };
    let reason = match clock::poll(limit, READY_PAUSE, &mut ask) {
        Some(Ok(answer)) => return Ok(answer),
        Some(Err(ended)) => ended,
        None => format!("no 200 within {} s: {}", limit.as_secs(), last.unwrap_or_default()),
    };
    let said = ["errors.log", "output.log"].map(|name| tail(&folder.join(name)));
    Err(invalid(variant, &format!("{reason}\n{}", said.concat())))
}

/// The last lines a proxy wrote, for a person who wants to know why it does not run.
fn tail(path: &Path) -> String {
    let text = std::fs::read_to_string(path).unwrap_or_default();
    let lines: Vec<&str> = text.lines().collect();
    lines.iter().skip(lines.len().saturating_sub(10)).map(|line| format!("  {line}\n")).collect()
}

fn valid(variant: Variant, load: Load) -> Result<Load, Failure> {
    if load.faults.is_empty() && load.requests > 0 {
        return Ok(load);
    }
    Err(invalid(variant, &format!("{} of {} requests", load.faults.join("; "), load.requests)))
}

fn invalid(variant: Variant, reason: &str) -> Failure {
    Failure::broken(format!("{}: the run is invalid: {}", variant.name(), reason.trim_end()))
}

fn mib(kib: u64) -> f64 {
    f64::from(u32::try_from(kib).unwrap_or(u32::MAX)) / 1024.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_with_faults_is_invalid() {
        let load = |faults: &[&str], requests| Load {
            requests,
            requests_per_second: 1.0,
            p50_us: 1.0,
            p99_us: 1.0,
            faults: faults.iter().map(ToString::to_string).collect(),
        };
        assert!(valid(Variant::Direct, load(&[], 5)).is_ok());
        assert!(valid(Variant::Direct, load(&[], 0)).is_err());
        let failure = valid(Variant::HaproxyHard, load(&["Non-2xx or 3xx responses: 3"], 5)).unwrap_err();
        assert_eq!(
            failure,
            Failure::broken("haproxy-hard: the run is invalid: Non-2xx or 3xx responses: 3 of 5 requests")
        );
    }
}
