//! How much a client may send: over this socket, and over all its sockets together. Those of somebody who is known are all that the person
//! opened, from wherever; those of a stranger all that came from the address.

use std::{rc::Rc, sync::Arc};

use seawall_core::{
    limit::{Ask, Quota, RateKey, ScopedQuota, Track, WORDS, Window},
    reply::Reply,
};
use seawall_guards::websocket::SocketRules;

use super::Opened;
use crate::core::Core;

/// How long shared counters may take to answer, in microseconds. When they do not, the message passes.
const PATIENCE_US: u64 = 1_000_000;

const KIBIBYTE: usize = 1_024;

/// The counters of one socket.
#[derive(Debug)]
pub(super) struct Allowance {
    core: Rc<Core>,
    rules: Arc<SocketRules>,
    owner: RateKey,
    messages: Counter,
    kibibytes: Counter,
    /// Bytes that make no whole kibibyte yet.
    rest: usize,
}

/// A counter of one socket alone.
#[derive(Debug)]
struct Counter {
    window: Window,
    track: Track,
    words: Box<[u32; WORDS]>,
}

impl Counter {
    fn new(quota: &Quota) -> Self {
        Self { window: Window::new(quota), track: Track::default(), words: Box::new([0; WORDS]) }
    }

    fn take(&mut self, cost: u32, now_us: u64) -> bool {
        let fits = self.window.remaining(&mut self.track, &mut *self.words, now_us) >= cost;
        if fits {
            self.window.record_many(&mut self.track, &mut *self.words, now_us, cost);
        }
        fits
    }
}

impl Allowance {
    pub(super) fn new(core: Rc<Core>, opened: &Opened) -> Self {
        let rules = Arc::clone(&opened.rules);
        Self {
            core,
            owner: opened.owner,
            messages: Counter::new(&rules.messages),
            kibibytes: Counter::new(&rules.kibibytes),
            rest: 0,
            rules,
        }
    }

    /// Counts messages and bytes. The error is what there are too many of.
    pub(super) async fn take(&mut self, messages: u32, bytes: usize) -> Result<(), &'static str> {
        let bytes = self.rest + bytes;
        self.rest = bytes % KIBIBYTE;
        let kibibytes = u32::try_from(bytes / KIBIBYTE).unwrap_or(u32::MAX);
        if messages > 0 {
            let now_us = self.core.clock.now().monotonic_us;
            if !self.messages.take(messages, now_us) || !self.shared(self.rules.client_messages, messages).await {
                return Err("messages");
            }
        }
        if kibibytes > 0 {
            let now_us = self.core.clock.now().monotonic_us;
            if !self.kibibytes.take(kibibytes, now_us) || !self.shared(self.rules.client_kibibytes, kibibytes).await {
                return Err("bytes");
            }
        }
        Ok(())
    }

    /// Counts against all sockets of whoever opened this one.
    async fn shared(&self, quota: Option<ScopedQuota>, cost: u32) -> bool {
        let Some(quota) = quota else { return true };
        let now = self.core.clock.now();
        let deadline_us = now.monotonic_us.saturating_add(PATIENCE_US);
        let answer =
            match self.rules.rates.take(&Ask { keys: self.owner.into(), quotas: &[quota], cost, now, deadline_us }) {
                Reply::Ready(answer) => answer,
                Reply::Later(answer) => answer.await,
            };
        answer.is_ok_and(|standing| standing.accepted) || answer.is_err()
    }
}
