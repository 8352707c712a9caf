//! Active checks, on the control plane: servers that do not answer get no requests while others do. A server that is held back
//! for failing is looked at too: when it was seen to be gone and is back, nobody waits for the rest of the time.

use std::{
    io,
    sync::{Arc, Weak},
    time::Duration,
};

use tokio::{
    task::{AbortHandle, JoinSet},
    time::{Instant, Interval, MissedTickBehavior},
};

use super::{Inner, Server, Tuning, Upstream, server::Reached};
use crate::edge;

/// How often is looked whether something is due.
const TICK: Duration = Duration::from_millis(250);

/// Checks in a row that must fail before a server counts as down, and pass before it counts as up again.
const FAILURES: u32 = 3;
const SUCCESSES: u32 = 2;

/// Runs the checks until the upstream is gone: a task for each server, so that one that hangs holds up no other.
pub(super) async fn run(upstream: Weak<Inner>) {
    let mut ticks = ticks();
    let mut watches = JoinSet::new();
    let mut watched: Vec<(Weak<Server>, AbortHandle)> = Vec::new();
    loop {
        ticks.tick().await;
        let Some(servers) = upstream.upgrade().map(|upstream| Upstream(upstream).current().0) else { return };
        let stays = |server: &Weak<Server>| servers.iter().any(|kept| Arc::as_ptr(kept) == server.as_ptr());
        watched.retain(|(server, watch)| {
            let stays = stays(server);
            if !stays {
                watch.abort();
            }
            stays
        });
        for server in &*servers {
            if !watched.iter().any(|(known, _)| Arc::as_ptr(server) == known.as_ptr()) {
                let watch = watches.spawn(watch(Weak::clone(&upstream), Arc::clone(server)));
                watched.push((Arc::downgrade(server), watch));
            }
        }
        while let Some(ended) = watches.try_join_next() {
            if let Err(fault) = ended
                && fault.is_panic()
            {
                // Without it a server would stay unwatched, and nobody would hear of it.
                std::panic::resume_unwind(fault.into_panic());
            }
        }
    }
}

/// Watches one server.
async fn watch(upstream: Weak<Inner>, server: Arc<Server>) {
    let mut ticks = ticks();
    let mut watched = Watched::new(server);
    loop {
        ticks.tick().await;
        let Some(upstream) = upstream.upgrade().map(Upstream) else { return };
        let (servers, tuning) = upstream.current();
        let several = servers.len() > 1;
        // Neither the upstream nor its servers are kept by a look that takes its time.
        drop((upstream, servers));
        watched.look(&tuning, several).await;
    }
}

fn ticks() -> Interval {
    let mut ticks = tokio::time::interval(TICK);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    ticks
}

/// A server under watch.
#[derive(Debug)]
struct Watched {
    server: Arc<Server>,
    checked_at: Option<Instant>,
    resolved_at: Instant,
    /// Checks in a row with the outcome that differs from what the server counts as.
    against: u32,
}

impl Watched {
    fn new(server: Arc<Server>) -> Self {
        Self { server, checked_at: None, resolved_at: Instant::now(), against: 0 }
    }

    /// Does what is due.
    async fn look(&mut self, tuning: &Tuning, several: bool) {
        if self.resolved_at.elapsed() >= tuning.resolve_interval {
            // A name service that hangs must not hold up the checks of everyone else.
            let _late = tokio::time::timeout(tuning.check_timeout, self.server.refresh_names()).await;
            self.resolved_at = Instant::now();
        }
        let due = |at: Option<Instant>, interval| at.is_none_or(|at| at.elapsed() >= interval);
        let checked = several || tuning.check_path.is_some();
        if checked && due(self.checked_at, tuning.check_interval) {
            self.checked_at = Some(Instant::now());
            let outcome = check(&self.server, tuning).await;
            self.count(outcome);
        }
        // One that is not checked otherwise was found down here, so it must be found up here too: its breaker may be open no more.
        if self.server.held_back() || !checked && !self.server.up() {
            let passed = check(&self.server, tuning).await.is_ok();
            self.server.set_up(passed);
            if self.server.reached(passed) == Reached::Again {
                self.server.breaker.try_now();
            }
        }
    }

    fn count(&mut self, outcome: io::Result<()>) {
        let up = self.server.up();
        if outcome.is_ok() == up {
            self.against = 0;
            return;
        }
        self.against += 1;
        let address = self.server.address().to_string();
        match outcome {
            Err(error) if self.against >= FAILURES => {
                tracing::error!(server.address = address.as_str(), error = %error, "a server of the upstream fails its checks");
                self.server.set_up(false);
            }
            Ok(()) if self.against >= SUCCESSES => {
                tracing::info!(server.address = address.as_str(), "a server of the upstream passes its checks again");
                self.server.set_up(true);
            }
            _ => return,
        }
        self.against = 0;
    }
}

/// Asks a server once: for its path, or just for a connection.
async fn check(server: &Server, tuning: &Tuning) -> io::Result<()> {
    let asked = async {
        let (link, spoken) = server.connect(tuning.check_timeout, tuning.protocol).await?;
        let Some(path) = &tuning.check_path else { return Ok(()) };
        let status = edge::ask(link, spoken, &server.address().authority(), path).await?;
        if status.is_success() || status.is_redirection() {
            return Ok(());
        }
        Err(io::Error::other(format!("{path} was answered with status {}", status.as_u16())))
    };
    tokio::time::timeout(tuning.check_timeout, asked).await.map_err(|_| io::ErrorKind::TimedOut)?
}

#[cfg(test)]
mod tests {
    use seawall_core::{
        clock::{Clock, Now},
        meter::NoMeter,
        settings::Values,
    };

    use super::*;
    use crate::upstream::{SECTION, UpstreamAddress, UpstreamSettings, WeighedServer, server::Means};

    #[derive(Debug)]
    struct Still;

    impl Clock for Still {
        fn now(&self) -> Now {
            Now::default()
        }
    }

    #[tokio::test]
    async fn a_servers_name_is_looked_up_again_when_it_is_time_and_not_before() {
        let tuning = UpstreamSettings::read(&Values::defaults(&SECTION)).unwrap().tuning;
        let address = UpstreamAddress::parse("http://localhost:9").unwrap();
        let means = Means { cores: 1, clock: Arc::new(Still), meter: Arc::new(NoMeter) };
        let server = Arc::new(Server::new(&WeighedServer::new(address), &tuning, None, &means).unwrap());
        let names = server.names().unwrap();
        let moved = ["10.0.0.1:9".parse().unwrap()];
        names.learn(Arc::new(moved));

        let mut watched = Watched::new(Arc::clone(&server));
        watched.look(&tuning, false).await;
        assert_eq!(names.addresses().await.unwrap(), moved);
        let due = Tuning { resolve_interval: Duration::ZERO, ..tuning };
        watched.look(&due, false).await;
        let found = names.addresses().await.unwrap();
        assert!(found.iter().all(|address| address.ip().is_loopback()), "{found:?}");
    }
}
