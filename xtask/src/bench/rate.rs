//! The load generator at a fixed rate: requests start when they are due, whether or not earlier ones were answered.
//!
//! Latency counts from the moment a request was due, so a stall is charged to every request that had to wait for it. When
//! the connection was free at that moment, the client's own late wake-up is left out: it says nothing about the server.

use std::thread;
use std::time::{Duration, Instant};

use super::http::Connection;
use super::statistics::percentile;
use crate::clock;
use crate::failure::Failure;

const CONNECTIONS: u32 = 8;
const PER_SECOND: u32 = 500;

/// Percentiles in microseconds.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Latency {
    pub(crate) p50_us: f64,
    pub(crate) p99_us: f64,
}

/// 500 requests per second over 8 connections. Every answer must be a 200.
pub(crate) fn run(port: u16, seconds: u32) -> Result<Latency, Failure> {
    let begin = clock::now() + Duration::from_millis(100);
    let workers: Vec<_> = (0..CONNECTIONS)
        .map(|connection| thread::spawn(move || one_connection(port, begin, connection, seconds)))
        .collect();
    let mut samples = Vec::new();
    for worker in workers {
        let measured = worker.join().map_err(|_| Failure::broken("a thread of the fixed-rate client failed"))?;
        samples.extend(measured?);
    }
    samples.sort_by(f64::total_cmp);
    let at =
        |percent| percentile(&samples, percent).ok_or_else(|| Failure::broken("no request was sent at the fixed rate"));
    Ok(Latency { p50_us: at(50)?, p99_us: at(99)? })
}

fn one_connection(port: u16, begin: Instant, number: u32, seconds: u32) -> Result<Vec<f64>, Failure> {
    let mut connection = Connection::open(port)?;
    let interval = Duration::from_secs(1) / PER_SECOND;
    let mut samples = Vec::new();
    let mut free_at = begin;
    for request in (number..PER_SECOND * seconds).step_by(CONNECTIONS as usize) {
        let due_at = begin + interval * request;
        clock::wait(due_at.saturating_duration_since(clock::now()));
        let started_at = counts_from(due_at, free_at, clock::now());
        let answer = connection.get("/items")?;
        if answer.status != 200 {
            return Err(Failure::broken(format!("status {} at the fixed rate", answer.status)));
        }
        free_at = answer.received_at;
        samples.push(free_at.saturating_duration_since(started_at).as_secs_f64() * 1e6);
    }
    Ok(samples)
}

fn counts_from(due_at: Instant, free_at: Instant, sent_at: Instant) -> Instant {
    if free_at > due_at { due_at } else { sent_at }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waiting_for_a_slow_answer_counts_and_waking_up_late_does_not() {
        let due_at = clock::now();
        let later = |ms| due_at + Duration::from_millis(ms);
        assert_eq!(counts_from(due_at, later(5), later(6)), due_at);
        assert_eq!(counts_from(later(5), due_at, later(6)), later(6));
    }
}
