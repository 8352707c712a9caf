//! One run of one variant: start it, see that it answers, warm it up, load it, and read what that cost.

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

const WARM_UP_SECONDS: u64 = 2;
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

/// What one run showed. There is no cost without a proxy.
#[derive(Debug, Clone)]
pub(crate) struct Run {
    pub(crate) variant: Variant,
    pub(crate) repetition: u32,
    pub(crate) cpu_us_per_request: Option<f64>,
    pub(crate) peak_mib: Option<f64>,
    pub(crate) load: Load,
    pub(crate) at_fixed_rate: Latency,
    /// Duties that were not done.
    pub(crate) missing: Vec<String>,
}

/// CPU time and memory of the proxy over the loaded seconds.
struct Cost {
    cpu: Duration,
    peak_kib: u64,
}

impl Bench {
    pub(crate) fn run(&self, variant: Variant, repetition: u32) -> Result<Run, Failure> {
        let place = self.place(variant)?;
        let mut proxy = self.start(variant, &place)?;
        let port = if proxy.is_some() { place.listen } else { place.upstream };
        let answer = ready(variant, port, proxy.as_mut(), &place.folder)?;
        let url = format!("http://127.0.0.1:{port}{PATH}");
        let warm_up = valid(variant, wrk::run(&url, WARM_UP_SECONDS)?)?;
        let before = proxy.as_ref().map(cost);
        let load = valid(variant, wrk::run(&url, self.seconds.into())?)?;
        let after = proxy.as_ref().map(cost);
        let at_fixed_rate = rate::run(port, self.seconds).map_err(|failure| invalid(variant, &failure.to_string()))?;
        let mut missing = Vec::new();
        if let Some(proxy) = proxy {
            proxy.stop();
            let requests = u64::from(warm_up.requests) + u64::from(load.requests);
            missing.extend(duties::missing_in(&answer));
            missing.extend(duties::missing_in_log(&place.folder.join(variant.request_log()), requests));
        }
        scratch::discard(&place.folder);
        let cpu = before.zip(after.as_ref()).map(|(before, after)| after.cpu.saturating_sub(before.cpu));
        let cpu_us_per_request = cpu.map(|cpu| cpu.as_secs_f64() * 1e6 / f64::from(load.requests));
        Ok(Run {
            variant,
            repetition,
            cpu_us_per_request,
            peak_mib: after.map(|cost| mib(cost.peak_kib)),
            load,
            at_fixed_rate,
            missing,
        })
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

fn cost(proxy: &Running) -> Cost {
    Cost { cpu: cpu::time(proxy.id()), peak_kib: cpu::peak_memory_kib(proxy.id()) }
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
