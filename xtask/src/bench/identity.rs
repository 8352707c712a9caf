//! `cargo xtask bench identity`: what knowing who asks costs a request, and what traffic notices while people sign in.

use std::io::Write as _;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::thread;
use std::time::Duration;

use super::cpu;
use super::http::Connection;
use super::measure::{Bench, PATH, ready};
use super::process::Running;
use super::programs::Programs;
use super::rate;
use super::scratch::Scratch;
use super::statistics::{Spread, percentile};
use super::upstream::Upstream;
use super::variants::{self, Place, Variant};
use super::wrk;
use crate::failure::Failure;
use crate::{clock, release, terminal};

/// For messages: it is Seawall as installed, with people.
const VARIANT: Variant = Variant::SeawallDefault;
const NAME: &str = "Ann";
const PASSWORD: &str = "a horse, two batteries, 9 staples";
const SIGN_IN: &str = "/_seawall/auth/sign-in";

/// Sessions of one user, of which Seawall keeps a hundred.
const SESSIONS: usize = 60;

/// Connections that sign in as fast as they are answered.
const SIGNING_IN: u32 = 4;

const WARM_UP_SECONDS: u64 = 1;

const USAGE: &str = "\
Usage: cargo xtask bench identity [--seconds N] [--repetitions N] [--seawall PROGRAM]

CPU per request of Seawall with people who sign in: nobody asks, and somebody with a session; in turns, in the same process. Then
how much longer the first request with a session takes than the next, and the latency of other requests while people sign in as
fast as they can.

Exit code: 0, or 64 for wrong arguments, 69 when a program is missing, 70 for an invalid run.";

/// What a request shows.
#[derive(Clone)]
struct Shown {
    name: &'static str,
    field: Option<String>,
}

/// Runs the bench and prints its figures.
pub(crate) fn run(words: &[&str]) -> Result<(), Failure> {
    let Some((seconds, repetitions, program)) = arguments(words)? else { return Ok(()) };
    let seawall = match program {
        Some(program) => std::path::absolute(&program).map_err(|error| Failure::io("find", &program, &error))?,
        None => release::build()?,
    };
    let programs = Programs::of_seawall(seawall);
    let workers = thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let bench = Bench { programs, upstream: Upstream::start()?, scratch: Scratch::create()?, workers, seconds };
    let place = bench.place(VARIANT)?;
    let mut command = variants::seawall(&bench.programs, &place, "seawall-identity.toml")?;

    let proxy = start(&mut command, &place)?;
    add_user(&bench, &place)?;
    let sessions: Vec<String> = (0..SESSIONS).map(|_| sign_in(place.listen)).collect::<Result<_, _>>()?;
    let session = sessions.first().cloned();
    let shown = [Shown { name: "nobody", field: None }, Shown { name: "session", field: session }];
    compare(&shown, &place, &proxy, seconds, repetitions)?;
    proxy.stop();

    // Another process knows none of them yet.
    let proxy = start(&mut command, &place)?;
    first_sight(&sessions, place.listen)?;
    under_sign_in(&place, seconds)?;
    proxy.stop();
    Ok(())
}

fn arguments(words: &[&str]) -> Result<Option<(u32, u32, Option<PathBuf>)>, Failure> {
    let (mut seconds, mut repetitions, mut program) = (5, 3, None);
    let mut rest = words;
    loop {
        let number = |text: &str| text.parse::<u32>().ok().filter(|number| (1..=600).contains(number));
        match rest {
            [] => return Ok(Some((seconds, repetitions, program))),
            ["--help" | "-h", ..] => {
                terminal::say(USAGE);
                return Ok(None);
            }
            ["--seconds", value, more @ ..] if number(value).is_some() => {
                (seconds, rest) = (number(value).unwrap_or(seconds), more);
            }
            ["--repetitions", value, more @ ..] if number(value).is_some() => {
                (repetitions, rest) = (number(value).unwrap_or(repetitions), more);
            }
            ["--seawall", value, more @ ..] => (program, rest) = (Some(PathBuf::from(value)), more),
            _ => return Err(Failure::usage(USAGE)),
        }
    }
}

/// Adds the user by asking the server.
fn add_user(bench: &Bench, place: &Place) -> Result<(), Failure> {
    let mut command = Command::new(&bench.programs.seawall);
    command.args(["user", "add", NAME, "--password-stdin", "--config", "seawall-identity.toml"]);
    command.current_dir(&place.folder).stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::piped());
    let failed = |what: &str| Failure::broken(format!("a user could not be added: {what}"));
    let mut child = command.spawn().map_err(|error| failed(&error.to_string()))?;
    if let Some(mut input) = child.stdin.take() {
        writeln!(input, "{PASSWORD}").map_err(|error| failed(&error.to_string()))?;
    }
    let output = child.wait_with_output().map_err(|error| failed(&error.to_string()))?;
    if output.status.success() { Ok(()) } else { Err(failed(&String::from_utf8_lossy(&output.stderr))) }
}

fn start(command: &mut Command, place: &Place) -> Result<Running, Failure> {
    let mut proxy = Running::start(command, &place.folder.join("output.log"), &place.folder.join("errors.log"))?;
    ready(VARIANT, place.listen, Some(&mut proxy), &place.folder)?;
    Ok(proxy)
}

/// Signs in and answers the cookie that it was given, as a browser sends it back.
fn sign_in(port: u16) -> Result<String, Failure> {
    let mut connection = Connection::open(port)?;
    let answer = connection.post(SIGN_IN, &credentials())?;
    let cookie = answer.header("set-cookie").and_then(|cookie| cookie.split(';').next());
    match cookie {
        Some(cookie) if answer.status == 200 => Ok(format!("Cookie: {cookie}")),
        _ => Err(Failure::broken(format!("signing in was answered with {}", answer.status))),
    }
}

fn credentials() -> String {
    format!("{{\"name\":\"{NAME}\",\"password\":\"{PASSWORD}\"}}")
}

/// Each takes its turn in every repetition; the ratio is taken within one, so that a slower machine is slower for both.
fn compare(shown: &[Shown], place: &Place, proxy: &Running, seconds: u32, repetitions: u32) -> Result<(), Failure> {
    let mut costs: Vec<Vec<f64>> = vec![Vec::new(); shown.len()];
    for repetition in 1..=repetitions {
        for (shown, costs) in shown.iter().zip(&mut costs) {
            terminal::progress(&format!("repetition {repetition} of {repetitions}, {}", shown.name));
            costs.push(cpu_us_per_request(shown, place, proxy, seconds)?);
        }
    }
    terminal::say("asks          CPU per request    × nobody");
    let nobody = costs.first().cloned().unwrap_or_default();
    for (shown, costs) in shown.iter().zip(&costs) {
        let ratios = costs.iter().zip(&nobody).map(|(own, nobody)| own / nobody);
        let (Some(cost), Some(ratio)) = (Spread::of(costs.iter().copied()), Spread::of(ratios)) else { continue };
        let Spread { median, least, most } = ratio;
        terminal::say(&format!("{:<12} {:>10.1} µs    {median:.2} ({least:.2}–{most:.2})", shown.name, cost.median));
    }
    Ok(())
}

fn cpu_us_per_request(shown: &Shown, place: &Place, proxy: &Running, seconds: u32) -> Result<f64, Failure> {
    let url = format!("http://127.0.0.1:{}{PATH}", place.listen);
    let fields: Vec<&str> = shown.field.as_deref().into_iter().collect();
    wrk::run_with(&url, WARM_UP_SECONDS, &fields)?;
    let before = cpu::time(proxy.id());
    let load = wrk::run_with(&url, seconds.into(), &fields)?;
    let took = cpu::time(proxy.id()).saturating_sub(before);
    if !load.faults.is_empty() || load.requests == 0 {
        return Err(Failure::broken(format!("{}: the run is invalid: {}", shown.name, load.faults.join("; "))));
    }
    Ok(took.as_secs_f64() * 1e6 / f64::from(load.requests))
}

/// How long the first request of each session takes, and the second.
fn first_sight(sessions: &[String], port: u16) -> Result<(), Failure> {
    let mut connection = Connection::open(port)?;
    let mut took = [Vec::new(), Vec::new()];
    for session in sessions {
        for took in &mut took {
            let begun = clock::now();
            let answer = connection.get_with(PATH, session)?;
            took.push(answer.received_at.saturating_duration_since(begun).as_secs_f64() * 1e6);
        }
    }
    let [first, next] = took.map(|mut took| {
        took.sort_by(f64::total_cmp);
        percentile(&took, 50).unwrap_or_default()
    });
    terminal::say(&format!(
        "first sight of a session: {first:.0} µs, the next request {next:.0} µs (medians of {})",
        sessions.len()
    ));
    Ok(())
}

/// The latency of requests of nobody at a fixed rate, alone and while people sign in as fast as they are answered.
fn under_sign_in(place: &Place, seconds: u32) -> Result<(), Failure> {
    let alone = rate::run(place.listen, seconds)?;
    let stop = Arc::new(AtomicBool::new(false));
    let counts = [Arc::new(AtomicU32::new(0)), Arc::new(AtomicU32::new(0))];
    let begun = clock::now();
    let people: Vec<_> = (0..SIGNING_IN)
        .map(|_| {
            let (stop, [done, shed], port) = (Arc::clone(&stop), counts.clone(), place.listen);
            thread::spawn(move || {
                while !stop.load(Ordering::Relaxed) {
                    let counted = if sign_in(port).is_ok() { &done } else { &shed };
                    counted.fetch_add(1, Ordering::Relaxed);
                }
            })
        })
        .collect();
    let meanwhile = rate::run(place.listen, seconds);
    stop.store(true, Ordering::Relaxed);
    for person in people {
        // A thread that failed has counted nothing more.
        let _ = person.join();
    }
    let took = begun.elapsed().max(Duration::from_millis(1));
    let meanwhile = meanwhile?;
    let [done, shed] = counts.map(|count| count.load(Ordering::Relaxed));
    terminal::say(&format!(
        "signing in: {:.1}/s, {shed} refused; other requests at 500/s meanwhile: p50 {:.0} µs, p99 {:.0} µs (alone {:.0} and {:.0})",
        f64::from(done) / took.as_secs_f64(),
        meanwhile.p50_us,
        meanwhile.p99_us,
        alone.p50_us,
        alone.p99_us
    ));
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arguments_are_read_or_refused() {
        let read = arguments(&["--seconds", "2", "--repetitions", "1", "--seawall", "target/x"]).unwrap();
        assert_eq!(read, Some((2, 1, Some(PathBuf::from("target/x")))));
        assert_eq!(arguments(&[]).unwrap(), Some((5, 3, None)));
        for wrong in [&["--seconds"][..], &["--seconds", "0"], &["--fast"]] {
            assert!(arguments(wrong).is_err(), "{wrong:?}");
        }
    }
}
