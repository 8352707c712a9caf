//! CPU time of a request with a guard and without: two programs serve in turns, so that whatever else the machine does is the same for both.

use std::fmt;

use super::super::cpu;
use super::super::measure::{Bench, ready};
use super::super::process::Running;
use super::super::rounds::{CONNECTIONS, Rounds};
use super::super::statistics::percentile;
use super::super::variants::Variant;
use super::{Case, prepare};
use crate::failure::Failure;

const VARIANT: Variant = Variant::SeawallDefault;

/// Turns of each program, and rounds of requests in one. The first turns warm up.
const TURNS: u32 = 241;
const ROUNDS: u32 = 40;
const WARM_UP: u32 = 1;

/// Microseconds of user and system time for a request; medians of the turns.
#[derive(Clone, Copy, Debug)]
pub(super) struct Times {
    pub(super) without_us: f64,
    pub(super) with_us: f64,
    /// How many times as long a request takes with the guard: the median of the turns, and what half of them lie between.
    pub(super) ratio: f64,
    pub(super) half: (f64, f64),
}

impl fmt::Display for Times {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let percent = |ratio: f64| (ratio - 1.0) * 100.0;
        let Self { without_us, with_us, ratio, half: (least, most) } = *self;
        let (adds, least, most) = (percent(ratio), percent(least), percent(most));
        write!(f, "{without_us:>9.2} {with_us:>9.2} {adds:>6.1} %  ({least:.1} to {most:.1})")
    }
}

/// One of the two programs.
struct Served {
    program: Running,
    rounds: Rounds,
}

/// Measures both.
pub(super) fn compare(bench: &Bench, case: &Case) -> Result<Times, Failure> {
    let request = (case.request)();
    let mut without = start(bench, case, "without", case.without, &request)?;
    let mut with = start(bench, case, "with", case.with, &request)?;
    let mut turns = Vec::new();
    for turn in 0..TURNS {
        let serve = |served: &mut Served| -> Result<f64, Failure> {
            let before_us = cpu_us(&served.program)?;
            served.rounds.ask(ROUNDS)?;
            Ok((cpu_us(&served.program)? - before_us) / f64::from(ROUNDS * CONNECTIONS))
        };
        // Neither is always the second, which finds the caches as the first left them.
        let (without_us, with_us) = if turn % 2 == 0 {
            let without_us = serve(&mut without)?;
            (without_us, serve(&mut with)?)
        } else {
            let with_us = serve(&mut with)?;
            (serve(&mut without)?, with_us)
        };
        if turn >= WARM_UP {
            turns.push((without_us, with_us));
        }
    }
    without.program.stop();
    with.program.stop();
    times(&turns).ok_or_else(|| Failure::broken(format!("{}: the system counted no time", case.name)))
}

/// Out of the turns; nothing when no time was counted.
fn times(turns: &[(f64, f64)]) -> Option<Times> {
    let at = |of: fn(&(f64, f64)) -> f64, percent| {
        let mut sorted: Vec<f64> = turns.iter().map(of).collect();
        sorted.sort_by(f64::total_cmp);
        percentile(&sorted, percent)
    };
    let ratio = |turn: &(f64, f64)| turn.1 / turn.0;
    let without_us = at(|turn| turn.0, 50).filter(|time| *time > 0.0)?;
    Some(Times {
        without_us,
        with_us: at(|turn| turn.1, 50)?,
        ratio: at(ratio, 50)?,
        half: (at(ratio, 25)?, at(ratio, 75)?),
    })
}

fn start(bench: &Bench, case: &Case, name: &str, own: &str, request: &str) -> Result<Served, Failure> {
    let mut place = bench.place_named(name)?;
    prepare(&mut place, &case.configuration(own))?;
    let command = VARIANT.command(&bench.programs, &place)?;
    let mut command = command.ok_or_else(|| Failure::broken("there is no command that starts Seawall"))?;
    let (output, errors) = (place.folder.join("output.log"), place.folder.join("errors.log"));
    let mut program = Running::start(&mut command, &output, &errors)?;
    ready(VARIANT, place.listen, Some(&mut program), &place.folder)?;
    Ok(Served { program, rounds: Rounds::open(place.listen, request)? })
}

fn cpu_us(program: &Running) -> Result<f64, Failure> {
    let time = cpu::exact_time(program.id());
    let time =
        time.ok_or_else(|| Failure::unavailable("the system does not show how long a thread ran (/proc/PID/sched)"))?;
    Ok(time.as_secs_f64() * 1e6)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_medians_and_the_ratio_is_taken_turn_by_turn() {
        let turns = [(10.0, 11.0), (20.0, 22.0), (30.0, 33.0), (10.0, 12.0)];
        let times = times(&turns).unwrap();
        assert_eq!((times.without_us, times.with_us), (10.0, 12.0));
        assert_eq!(times.to_string(), "    10.00     12.00   10.0 %  (10.0 to 10.0)");
        assert!(super::times(&[(0.0, 0.0)]).is_none() && super::times(&[]).is_none());
    }
}
