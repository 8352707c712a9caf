//! The load generator at full speed: wrk, with what it printed read into figures.

use std::process::Command;
use std::time::Duration;

use super::process::output_within;
use crate::failure::Failure;

pub(crate) const CONNECTIONS: u32 = 64;

/// wrk ends by its own clock; this is what it may take on top.
const GRACE: Duration = Duration::from_secs(15);

/// One run of wrk.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Load {
    pub(crate) requests: u32,
    pub(crate) requests_per_second: f64,
    pub(crate) p50_us: f64,
    pub(crate) p99_us: f64,
    /// What makes the run invalid, in wrk's words: answers other than 2xx and 3xx, and socket errors.
    pub(crate) faults: Vec<String>,
}

/// One thread and 64 connections for `seconds`.
pub(crate) fn run(url: &str, seconds: u64) -> Result<Load, Failure> {
    run_with(url, seconds, &[])
}

/// The same, each request with these fields.
pub(crate) fn run_with(url: &str, seconds: u64, fields: &[&str]) -> Result<Load, Failure> {
    let mut command = Command::new("wrk");
    command.args(["-t1", &format!("-c{CONNECTIONS}"), &format!("-d{seconds}s"), "--timeout", "5s", "--latency"]);
    command.args(fields.iter().flat_map(|field| ["-H", field])).arg(url);
    let text = output_within(&mut command, Duration::from_secs(seconds) + GRACE)?;
    parse(&text).ok_or_else(|| Failure::broken(format!("wrk printed something else than expected:\n{text}")))
}

fn parse(text: &str) -> Option<Load> {
    let lines = || text.lines().map(str::trim);
    let after = |start: &'static str| lines().find_map(move |line| line.strip_prefix(start));
    let summary = lines().find(|line| line.contains(" requests in "))?;
    let faults = lines().filter(|line| line.starts_with("Socket errors:") || line.starts_with("Non-2xx"));
    Some(Load {
        requests: summary.split(' ').next()?.parse().ok()?,
        requests_per_second: after("Requests/sec:")?.trim().parse().ok()?,
        p50_us: microseconds(after("50%")?.trim())?,
        p99_us: microseconds(after("99%")?.trim())?,
        faults: faults.map(str::to_owned).collect(),
    })
}

fn microseconds(text: &str) -> Option<f64> {
    let units = [("us", 1.0), ("ms", 1e3), ("s", 1e6), ("m", 6e7)];
    units.iter().find_map(|(unit, factor)| Some(text.strip_suffix(unit)?.parse::<f64>().ok()? * factor))
}

#[cfg(test)]
mod tests {
    use super::*;

    const PRINTED: &str = "Running 10s test @ http://127.0.0.1:1/
  1 threads and 64 connections
  Thread Stats   Avg      Stdev     Max   +/- Stdev
    Latency     1.10ms  512.00us  14.50ms   88.00%
    Req/Sec    49.00k     2.00k   53.00k    70.00%
  Latency Distribution
     50%  998.00us
     75%    1.20ms
     90%    1.60ms
     99%    2.54ms
  490012 requests in 10.01s, 560.00MB read
Requests/sec:  48952.25
Transfer/sec:     55.94MB
";

    #[test]
    fn figures_are_read_in_one_unit() {
        let load = parse(PRINTED).unwrap();
        let expected = Load {
            requests: 490_012,
            requests_per_second: 48952.25,
            p50_us: 998.0,
            p99_us: 2540.0,
            faults: Vec::new(),
        };
        assert_eq!(load, expected);
    }

    #[test]
    fn faults_are_kept_in_wrks_words() {
        let text = PRINTED.replace(
            "Requests/sec",
            "  Socket errors: connect 0, read 3, write 0, timeout 0\n  Non-2xx or 3xx responses: 12\nRequests/sec",
        );
        let faults = ["Socket errors: connect 0, read 3, write 0, timeout 0", "Non-2xx or 3xx responses: 12"];
        assert_eq!(parse(&text).unwrap().faults, faults);
    }

    #[test]
    fn something_else_is_not_read() {
        assert_eq!(parse("unable to connect to 127.0.0.1:1 Connection refused"), None);
    }
}
