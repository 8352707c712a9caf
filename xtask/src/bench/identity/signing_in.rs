//! People who sign in as fast as they are answered: how many per second, beside raw argon2, and what other requests notice.

use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::thread;
use std::time::Duration;

use super::credentials;
use crate::bench::rate;
use crate::bench::variants::Place;
use crate::failure::Failure;
use crate::{clock, terminal, workspace};

/// Connections that sign in as fast as they are answered.
const SIGNING_IN: u32 = 4;

/// Passwords are verified by this many threads.
#[expect(clippy::disallowed_methods, reason = "how long is measured, no waiting for an event")]
pub(super) fn run(place: &Place, seconds: u32, threads: usize) -> Result<(), Failure> {
    let raw = raw_argon2(threads, seconds)?;
    let length = Duration::from_secs(seconds.into());
    let (alone, ()) = signing_in(place.listen, || {
        thread::sleep(length);
        Ok(())
    })?;
    terminal::say(&format!(
        "signing in: {:.1}/s, {} refused; raw argon2 on {threads} of the threads {raw:.1}/s: {:.0} %",
        alone.per_second,
        alone.refused,
        100.0 * alone.per_second / raw
    ));
    let undisturbed = rate::run(place.listen, seconds)?;
    let (beside, disturbed) = signing_in(place.listen, || rate::run(place.listen, seconds))?;
    terminal::say(&format!(
        "other requests at 500/s while {:.1}/s sign in: p50 {:.0} µs, p99 {:.0} µs (alone {:.0} and {:.0})",
        beside.per_second, disturbed.p50_us, disturbed.p99_us, undisturbed.p50_us, undisturbed.p99_us
    ));
    Ok(())
}

/// How many signed in.
struct Signed {
    per_second: f64,
    refused: u32,
}

/// Lets people sign in while something is done.
fn signing_in<T>(port: u16, meanwhile: impl FnOnce() -> Result<T, Failure>) -> Result<(Signed, T), Failure> {
    let stop = Arc::new(AtomicBool::new(false));
    let counts = [Arc::new(AtomicU32::new(0)), Arc::new(AtomicU32::new(0))];
    let begun = clock::now();
    let people: Vec<_> = (0..SIGNING_IN)
        .map(|_| {
            let (stop, [done, refused]) = (Arc::clone(&stop), counts.clone());
            thread::spawn(move || {
                while !stop.load(Ordering::Relaxed) {
                    let counted = if credentials::session(port).is_ok() { &done } else { &refused };
                    counted.fetch_add(1, Ordering::Relaxed);
                }
            })
        })
        .collect();
    let found = meanwhile();
    stop.store(true, Ordering::Relaxed);
    for person in people {
        // A thread that failed has counted nothing more.
        let _ = person.join();
    }
    let took = begun.elapsed().max(Duration::from_millis(1));
    let [done, refused] = counts.map(|count| count.load(Ordering::Relaxed));
    Ok((Signed { per_second: f64::from(done) / took.as_secs_f64(), refused }, found?))
}

/// Verifications per second of the library alone.
fn raw_argon2(threads: usize, seconds: u32) -> Result<f64, Failure> {
    terminal::progress("building what verifies passwords and does nothing else");
    let mut command = Command::new("cargo");
    command.args(["run", "--release", "--quiet", "-p", "seawall-identity", "--example", "hashing", "--", "raw"]);
    command.args([threads.to_string(), seconds.to_string()]).current_dir(workspace::root()).stderr(Stdio::inherit());
    let output = command.output().map_err(|error| Failure::unavailable(format!("cargo cannot be run: {error}")))?;
    let printed = String::from_utf8_lossy(&output.stdout);
    let figure = printed.trim().parse().ok().filter(|_| output.status.success());
    figure.ok_or_else(|| Failure::broken(format!("raw argon2 was not measured; what it said: {printed}")))
}
