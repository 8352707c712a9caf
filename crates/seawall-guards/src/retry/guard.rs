//! The rules, and the guard that gives them.

use http::Method;
use seawall_core::{
    resilience::{Attempt, Backoff, Decision, Failure, Keyed, Replay, RetryRules},
    settings::{BadSetting, Values},
};

use super::config::{ATTEMPTS, BACKOFF, MAX_BACKOFF, STATUSES};
use crate::{Guard, Needs};

/// How a failed request may be sent again. The defaults are checklist WK-5's: three attempts, 100 ms doubling up to 5 s.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Retries {
    /// Which failures are worth another attempt.
    pub rules: RetryRules,
    /// The wait before it.
    pub backoff: Backoff,
}

impl Retries {
    /// Whether such a request may be sent again after it was sent once.
    #[must_use]
    pub fn may_repeat(&self, method: &Method, keyed: Keyed) -> bool {
        let attempt = Attempt { method, keyed, body: Replay::Possible, made: 1 };
        self.rules.decide(&attempt, Failure::Broken) == Decision::Again
    }
}

/// Gives the exchange with the upstream its rules for trying again.
#[derive(Debug)]
pub struct RetryGuard {
    retries: Retries,
}

impl RetryGuard {
    /// Reads the settings.
    ///
    /// # Errors
    /// [`BadSetting`] when they are not checked settings of the section.
    pub fn read(values: &Values) -> Result<Self, BadSetting> {
        let statuses = values.get(&STATUSES)?;
        let rules = RetryRules {
            attempts: u32::try_from(values.get(&ATTEMPTS)?).unwrap_or(u32::MAX),
            statuses: statuses.into_iter().filter_map(|status| u16::try_from(status).ok()).collect(),
        };
        let backoff = Backoff {
            first: values.get(&BACKOFF)?.duration(),
            most: values.get(&MAX_BACKOFF)?.duration(),
            ..Backoff::default()
        };
        let retries = Retries { rules, backoff };
        Ok(Self { retries })
    }
}

impl Guard for RetryGuard {
    fn needs(&self) -> Needs {
        Needs { retries: Some(self.retries.clone()), ..Needs::default() }
    }
}
