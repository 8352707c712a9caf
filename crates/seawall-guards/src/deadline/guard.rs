//! The limits, and the guard that gives them.

use std::time::Duration;

use seawall_core::settings::{BadSetting, Span, Values};

use super::config::{
    CONNECT, REQUEST_GRACE, REQUEST_IDLE, REQUEST_RATE, RESPONSE_HEAD, RESPONSE_IDLE, TOTAL, TUNNEL_IDLE,
};
use crate::{Context, Guard, Head, Needs, Verdict};

/// Time limits of an exchange.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Deadlines {
    /// For connecting to the upstream.
    pub connect: Duration,
    /// For the head of the answer, counted from the last byte of the request that was sent.
    pub response_head: Duration,
    /// For the next bytes of a request body.
    pub request_idle: Duration,
    /// Bytes a second of a request body, on average, after the grace.
    pub request_rate: u64,
    /// How long a client is waited for before its pace counts.
    pub request_grace: Duration,
    /// For the next bytes of an answer.
    pub response_idle: Duration,
    /// For the next bytes of a tunnel, in either direction.
    pub tunnel_idle: Duration,
    /// For everything.
    pub total: Option<Duration>,
}

impl Default for Deadlines {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(5),
            response_head: Duration::from_secs(30),
            request_idle: Duration::from_secs(30),
            request_rate: 500,
            request_grace: Duration::from_secs(20),
            response_idle: Duration::from_secs(300),
            tunnel_idle: Duration::from_secs(3_600),
            total: None,
        }
    }
}

impl Deadlines {
    /// Reads the settings.
    ///
    /// # Errors
    /// [`BadSetting`] when they are not checked settings of the section.
    pub fn read(values: &Values) -> Result<Self, BadSetting> {
        Ok(Self {
            connect: values.get(&CONNECT)?.duration(),
            response_head: values.get(&RESPONSE_HEAD)?.duration(),
            request_idle: values.get(&REQUEST_IDLE)?.duration(),
            request_rate: values.get(&REQUEST_RATE)?.bytes(),
            request_grace: values.get(&REQUEST_GRACE)?.duration(),
            response_idle: values.get(&RESPONSE_IDLE)?.duration(),
            tunnel_idle: values.get(&TUNNEL_IDLE)?.duration(),
            total: values.find(&TOTAL)?.map(Span::duration),
        })
    }
}

/// Gives the stages around it their time limits.
#[derive(Debug)]
pub struct DeadlineGuard {
    deadlines: Deadlines,
}

impl DeadlineGuard {
    /// Reads the settings.
    ///
    /// # Errors
    /// [`BadSetting`] when they are not checked settings of the section.
    pub fn read(values: &Values) -> Result<Self, BadSetting> {
        Ok(Self { deadlines: Deadlines::read(values)? })
    }
}

impl Guard for DeadlineGuard {
    fn head(&self, _head: &mut Head, context: &mut Context) -> Verdict {
        if let Some(total) = self.deadlines.total {
            let total_us = u64::try_from(total.as_micros()).unwrap_or(u64::MAX);
            context.deadline_us = context.now.monotonic_us.saturating_add(total_us);
        }
        Verdict::Pass
    }

    fn needs(&self) -> Needs {
        Needs { deadlines: Some(self.deadlines), ..Needs::default() }
    }
}
