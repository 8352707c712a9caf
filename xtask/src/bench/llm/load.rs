//! The loads: as many calls as there can be, calls at a fixed rate, single streams, and many streams at once.

use std::thread;
use std::time::{Duration, Instant};

use super::client::{Caller, Door};
use crate::bench::rate::Latency;
use crate::bench::statistics::percentile;
use crate::clock;
use crate::failure::Failure;

/// Connections of a load.
const CONNECTIONS: u32 = 16;

/// Streams of which the first event is timed.
const STREAMS: usize = 100;

/// As many calls as are answered in so many seconds.
pub(crate) fn full(door: &Door, seconds: u32) -> Result<u32, Failure> {
    let end = clock::now() + Duration::from_secs(seconds.into());
    let counted = on_each(door, move |_, mut caller, call| {
        let mut answered = 0_u32;
        while clock::now() < end {
            caller.send(&call)?;
            caller.answer()?;
            answered += 1;
        }
        Ok(vec![answered])
    })?;
    Ok(counted.iter().sum())
}

/// The latency of calls that begin when they are due, so many in a second, whether or not earlier ones were answered.
pub(crate) fn at_rate(door: &Door, per_second: u32, seconds: u32) -> Result<Latency, Failure> {
    let begin = clock::now() + Duration::from_millis(100);
    let interval = Duration::from_secs(1) / per_second.max(1);
    let mut samples = on_each(door, move |number, mut caller, call| {
        let (mut samples, mut free_at) = (Vec::new(), begin);
        for request in (number..per_second.max(1) * seconds).step_by(CONNECTIONS as usize) {
            let due_at = begin + interval * request;
            clock::wait(due_at.saturating_duration_since(clock::now()));
            let counts_from = if free_at > due_at { due_at } else { clock::now() };
            caller.send(&call)?;
            free_at = caller.answer()?;
            samples.push(microseconds(free_at, counts_from));
        }
        Ok(samples)
    })?;
    latency(&mut samples)
}

/// How long the first event of a stream takes, one stream after the other.
pub(crate) fn first_events(door: &Door) -> Result<Latency, Failure> {
    let call = door.call("fake", true);
    let mut samples = Vec::new();
    for _ in 0..STREAMS {
        // What is left of a stream is not read, so each has a connection of its own.
        let mut caller = door.open()?;
        let begun = clock::now();
        caller.send(&call)?;
        samples.push(microseconds(caller.first_event()?, begun));
    }
    latency(&mut samples)
}

/// Opens so many streams that go on for a minute, and gives what `look` sees while all of them have begun.
pub(crate) fn open_streams<T>(door: &Door, streams: usize, look: impl FnOnce() -> T) -> Result<T, Failure> {
    let call = door.call("fake-drip-1000-tokens-60", true);
    let mut open = Vec::with_capacity(streams);
    for _ in 0..streams {
        let mut caller = door.open()?;
        caller.send(&call)?;
        open.push(caller);
    }
    for caller in &mut open {
        caller.first_event()?;
    }
    Ok(look())
}

/// Does the same on all connections at once, and collects what each measured.
fn on_each<T: Send + 'static>(
    door: &Door,
    work: impl Fn(u32, Caller, Vec<u8>) -> Result<Vec<T>, Failure> + Copy + Send + 'static,
) -> Result<Vec<T>, Failure> {
    let workers: Vec<_> = (0..CONNECTIONS)
        .map(|number| {
            let door = door.clone();
            thread::spawn(move || work(number, door.open()?, door.call("fake", false)))
        })
        .collect();
    let mut samples = Vec::new();
    for worker in workers {
        let measured = worker.join().map_err(|_| Failure::broken("a thread of the load failed"))?;
        samples.extend(measured?);
    }
    Ok(samples)
}

fn latency(samples: &mut [f64]) -> Result<Latency, Failure> {
    samples.sort_by(f64::total_cmp);
    let at = |percent| percentile(samples, percent).ok_or_else(|| Failure::broken("nothing was measured"));
    Ok(Latency { p50_us: at(50)?, p99_us: at(99)? })
}

fn microseconds(end: Instant, begin: Instant) -> f64 {
    end.saturating_duration_since(begin).as_secs_f64() * 1e6
}
