//! Counters that several Seawalls share, and what is done while they do not answer.
//!
//! Whoever asks waits for Redis at most `redis_timeout`; after some failures in a row a circuit breaker opens and nobody waits at
//! all. Requests are never the probes: a task of the control plane connects anew once a second, counts on the connection, and
//! closes the breaker when that works. What happens to requests meanwhile is each route's `when_unavailable`.

mod keeper;
mod meters;
mod shared;

pub(super) use meters::METRICS;
pub(super) use shared::SharedCounters;
