//! Connecting again, and probing while the breaker is open.

use std::{sync::Arc, time::Duration};

use seawall_core::resilience::BreakerState;
use tokio::time;

use super::shared::Inner;

/// How long it is left alone between probes.
const PAUSE: Duration = Duration::from_secs(1);

/// Keeps counters working until it is aborted. A connection that was lost is replaced at once, so that a server that lets idle
/// connections go does not open the breaker.
pub(super) async fn keep(inner: Arc<Inner>) {
    loop {
        inner.failed.notified().await;
        while !working(&inner) {
            if inner.breaker.state() != BreakerState::Closed {
                time::sleep(PAUSE).await;
                inner.breaker.try_now();
            }
            // Nobody else probes, so there is a place.
            let Ok(ticket) = inner.breaker.ticket() else { continue };
            match inner.rates.connect().await {
                Ok(()) => ticket.succeeded(),
                Err(fault) => {
                    tracing::debug!(error = %fault, "shared counters still do not answer");
                    ticket.failed();
                }
            }
        }
    }
}

fn working(inner: &Inner) -> bool {
    inner.breaker.state() == BreakerState::Closed && inner.rates.connected()
}
