//! CPU time of a request with a guard and without: two programs serve in turns, so that whatever else the machine does is the same for both.

use std::fmt;

use super::super::cpu;
use super::super::instructions::drive;
use super::super::measure::{Bench, ready};
use super::super::process::Running;
use super::super::variants::{Place, Variant};
use super::{Case, prepare};
use crate::failure::Failure;

const VARIANT: Variant = Variant::SeawallDefault;

/// Turns of each program, and rounds of requests in one. The first turns warm up.
const TURNS: u32 = 21;
const ROUNDS: u32 = 60;
const WARM_UP: u32 = 1;

/// Microseconds of user and system time for a request, rounded to what the system counts in.
#[derive(Clone, Copy, Debug)]
pub(super) struct Times {
    pub(super) without_us: f64,
    pub(super) with_us: f64,
}

impl fmt::Display for Times {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { without_us, with_us } = self;
        write!(f, "{without_us:>9.2} {with_us:>9.2} {:>6.1} %", (with_us / without_us - 1.0) * 100.0)
    }
}

/// One of the two programs.
struct Served {
    place: Place,
    program: Running,
    /// CPU time before the turns that count.
    before_us: f64,
}

/// Measures both.
pub(super) fn compare(bench: &Bench, case: &Case) -> Result<Times, Failure> {
    let mut both = [start(bench, case, "without", case.without)?, start(bench, case, "with", case.with)?];
    let request = (case.request)();
    let mut first = 0;
    for turn in 0..TURNS {
        for served in &mut both {
            if turn == WARM_UP {
                served.before_us = cpu_us(&served.program);
            }
            drive(served.place.listen, ROUNDS, &request, &mut first)?;
        }
    }
    let requests = f64::from((TURNS - WARM_UP) * ROUNDS * super::super::instructions::CONNECTIONS);
    let [without_us, with_us] = both.map(|served| {
        let spent = cpu_us(&served.program) - served.before_us;
        served.program.stop();
        spent / requests
    });
    if without_us > 0.0 {
        Ok(Times { without_us, with_us })
    } else {
        Err(Failure::broken(format!("{}: the system counted no time", case.name)))
    }
}

fn start(bench: &Bench, case: &Case, name: &str, own: &str) -> Result<Served, Failure> {
    let mut place = bench.place_named(name)?;
    prepare(&mut place, &case.configuration(own))?;
    let command = VARIANT.command(&bench.programs, &place)?;
    let mut command = command.ok_or_else(|| Failure::broken("there is no command that starts Seawall"))?;
    let (output, errors) = (place.folder.join("output.log"), place.folder.join("errors.log"));
    let mut program = Running::start(&mut command, &output, &errors)?;
    ready(VARIANT, place.listen, Some(&mut program), &place.folder)?;
    Ok(Served { place, program, before_us: 0.0 })
}

fn cpu_us(program: &Running) -> f64 {
    cpu::time(program.id()).as_secs_f64() * 1e6
}
