//! Waiting until a started application is ready, has ended, or has had its time.

use std::{net::SocketAddr, time::Duration};

use tokio::time::{Instant, sleep, timeout_at};

use super::{SupervisedError, process::Process};
use crate::app::tiny_http::{self, Url};

/// How long one look may take.
const LOOK_LIMIT: Duration = Duration::from_secs(5);

/// The first and the longest pause between looks.
const PAUSES: (Duration, Duration) = (Duration::from_millis(20), Duration::from_millis(250));

/// Where readiness is seen.
#[derive(Debug)]
pub(super) struct Probe<'a> {
    pub(super) address: SocketAddr,
    /// The path that must answer; nothing means that accepting connections is enough.
    pub(super) path: Option<&'a str>,
}

/// Waits until the process is ready, until then at most; `limit` is how long that was in all.
pub(super) async fn wait(
    process: &mut Process,
    probe: &Probe<'_>,
    until: Instant,
    limit: Duration,
) -> Result<(), SupervisedError> {
    let mut last = "nothing was asked yet".to_owned();
    let outcome = tokio::select! {
        ended = process.ended() => Err(Some(ended.words)),
        ready = timeout_at(until, probe.passes(&mut last)) => ready.map_err(|_| None),
    };
    let Err(ended) = outcome else { return Ok(()) };
    // What is left of it ends now, so that its last lines are complete.
    match ended {
        Some(status) => {
            process.kill().await;
            Err(SupervisedError::EndedEarly { status, said: process.last_lines() })
        }
        None => Err(SupervisedError::NotReady { limit, last, said: process.last_lines() }),
    }
}

impl Probe<'_> {
    async fn passes(&self, last: &mut String) {
        let (mut pause, longest) = PAUSES;
        while let Err(reason) = self.look().await {
            *last = reason;
            sleep(pause).await;
            pause = (pause * 2).min(longest);
        }
    }

    /// One look; what it found, when the application is not ready.
    async fn look(&self) -> Result<(), String> {
        let address = self.address;
        let Some(path) = self.path else {
            let connected = tiny_http::connects(&address.ip().to_string(), address.port(), LOOK_LIMIT).await;
            return connected.map_err(|error| format!("{address} takes no connection ({error})"));
        };
        match Url::parse(&format!("http://{address}{path}"))?.get(LOOK_LIMIT).await {
            Ok(answer) if (200..400).contains(&answer.status) => Ok(()),
            Ok(answer) => Err(format!("{path} answers with status {}", answer.status)),
            Err(error) => Err(format!("{address} does not answer ({error})")),
        }
    }
}
