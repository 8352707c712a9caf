//! The sliding window: at most N requests accepted in any window of length W.
//!
//! A fixed window admits 2N around its edge, a token bucket or plain GCRA up to 2N in its first window. This one never
//! admits more than N in any half-open interval of length W, and never refuses a request when fewer than N were
//! accepted in the last 1.01·W. Up to [`WORDS`] requests are kept by their exact times; above that, a ring of 101
//! sub-windows of W/100 counts them.
//!
//! The state is a small header and [`WORDS`] words, so that a table of fixed size can hold every kind of quota.

use super::Quota;

/// Words of state per key: one time, or one sub-window, each.
pub const WORDS: usize = 101;

/// The sub-windows that make up one window.
const PARTS: u64 = 100;

/// Exact times are kept in millionths of the window.
const TICKS: u64 = 1_000_000;

/// A quota prepared for deciding.
#[derive(Clone, Copy, Debug)]
pub struct Window {
    limit: u32,
    window_us: u64,
    /// Microseconds in one tick (exact times) or one sub-window (ring).
    unit_us: u64,
    exact: bool,
}

/// The state of one key but for its words. Zero is a fresh key.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Track {
    /// Requests counted: those held in the words that have not expired.
    count: u32,
    /// Exact times: where the oldest stands. Ring: unused.
    start: u32,
    /// Ring: the sub-window of the latest request.
    head: u64,
    /// Ring: no sub-window before this one holds a request.
    tail: u64,
    /// When the latest request was accepted, in microseconds.
    latest_us: u64,
}

impl Window {
    /// Prepares a quota.
    #[must_use]
    pub fn new(quota: &Quota) -> Self {
        let exact = usize::try_from(quota.limit).is_ok_and(|limit| limit <= WORDS);
        Self::of(quota.limit, quota.window.us().max(1), exact)
    }

    const fn of(limit: u32, window_us: u64, exact: bool) -> Self {
        let unit_us = window_us.div_ceil(if exact { TICKS } else { PARTS });
        Self { limit, window_us, unit_us, exact }
    }

    /// Whether exact times are kept. A track must be kept in one form; [`Window::adopt`] changes it.
    #[must_use]
    pub const fn exact(&self) -> bool {
        self.exact
    }

    /// Microseconds of one tick or sub-window. A request counts as accepted at the end of its own.
    #[must_use]
    pub const fn unit_us(&self) -> u64 {
        self.unit_us
    }

    /// How long a request counts after the end of its tick or sub-window; never less than the window. A store that keeps these
    /// ends forgets exactly when a track does.
    #[must_use]
    pub const fn span_us(&self) -> u64 {
        if self.exact { self.window_us.div_ceil(self.unit_us) * self.unit_us } else { PARTS * self.unit_us }
    }

    /// Takes over a track that was kept in the other form, because the limit was changed, and says by which window it goes on. Nothing that was
    /// counted is forgotten, since the limit may be raised again: times become counts, each request as accepted at the latest time that it
    /// may have been; but of counts there may be more than there is room for times, so they stay as they are until all have left.
    #[must_use]
    pub fn adopt(self, track: &mut Track, words: &mut [u32], now_us: u64) -> Self {
        let before = Self::of(self.limit, self.window_us, !self.exact);
        before.expire(track, words, now_us);
        if self.exact && track.count > 0 {
            return before;
        }
        let kept = before.accepted(track, words, now_us);
        words.fill(0);
        *track = Track::default();
        for (at_us, count) in kept {
            self.count(track, words, at_us, count);
        }
        self
    }

    /// When requests that are kept by their times were accepted at the latest, the first first, and how many.
    fn accepted(&self, track: &Track, words: &[u32], now_us: u64) -> Vec<(u64, u32)> {
        let word = |part: u64| words.get(slot(part)).copied().unwrap_or_default();
        let latest = |begins_us: u64| (begins_us + self.unit_us - 1).min(now_us);
        let now = now_us / self.unit_us;
        let places = (0..track.count).map(|place| u64::from(track.start) + u64::from(place));
        let age = |place: u64| u64::from(wrap(now).wrapping_sub(word(place)));
        places.map(|place| (latest(now.saturating_sub(age(place)) * self.unit_us), 1)).collect()
    }

    /// Requests left to this key at `now_us`, after forgetting what has left the window. A time before the latest request counts as
    /// that request's: threads that read the clock before they come here come in any order.
    pub fn remaining(&self, track: &mut Track, words: &mut [u32], now_us: u64) -> u32 {
        self.expire(track, words, now_us.max(track.latest_us));
        self.limit.saturating_sub(track.count)
    }

    /// Counts one request. Only after [`Window::remaining`] said there is one left, with the same time.
    pub fn record(&self, track: &mut Track, words: &mut [u32], now_us: u64) {
        self.record_many(track, words, now_us, 1);
    }

    /// Counts requests of the past without asking whether they fit: what a forgotten key is taken to have used.
    pub fn record_many(&self, track: &mut Track, words: &mut [u32], at_us: u64, requests: u32) {
        self.count(track, words, at_us, requests.min(self.limit.saturating_sub(track.count)));
    }

    /// Invariant: of exact times there are never more than words.
    fn count(&self, track: &mut Track, words: &mut [u32], at_us: u64, requests: u32) {
        if requests == 0 {
            return;
        }
        let at_us = at_us.max(track.latest_us);
        let part = at_us / self.unit_us;
        if self.exact {
            for _ in 0..requests {
                if let Some(word) = words.get_mut(slot(u64::from(track.start) + u64::from(track.count))) {
                    *word = wrap(part);
                }
                track.count += 1;
            }
        } else {
            if track.count == 0 {
                track.tail = part;
            }
            if let Some(word) = words.get_mut(slot(part)) {
                *word = word.saturating_add(requests);
            }
            track.count += requests;
            track.head = part;
        }
        track.latest_us = at_us;
    }

    /// Microseconds until one more request fits, or until one more is left. After [`Window::remaining`] with the same time.
    #[must_use]
    pub fn reset_us(&self, track: &Track, words: &[u32], now_us: u64) -> u64 {
        if track.count == 0 {
            return 0;
        }
        let now_us = now_us.max(track.latest_us);
        let now = now_us / self.unit_us;
        // More than the limit are counted only after it was lowered; then so many more must leave first.
        let beyond = track.count.saturating_sub(self.limit);
        let (age, lifetime) = if self.exact {
            let oldest = u64::from(track.start) + u64::from(beyond);
            let oldest = words.get(slot(oldest)).copied().unwrap_or_default();
            (u64::from(wrap(now).wrapping_sub(oldest)), self.window_us.div_ceil(self.unit_us) + 1)
        } else {
            (now.saturating_sub(part_of(track, words, beyond)), PARTS + 1)
        };
        let left = lifetime.saturating_sub(age).max(1);
        (left * self.unit_us).saturating_sub(now_us % self.unit_us)
    }

    /// Requests counted, and when the last of them will have left the window: what must be remembered of a key that is
    /// evicted. Nothing when all have left.
    #[must_use]
    pub fn used(&self, track: &Track, now_us: u64) -> Option<(u32, u64)> {
        let expires_us = track.latest_us + self.window_us + self.unit_us;
        (track.count > 0 && expires_us > now_us).then_some((track.count, expires_us))
    }

    /// When requests that expire at `expires_us` are taken to have been accepted.
    #[must_use]
    pub fn accepted_at(&self, expires_us: u64) -> u64 {
        expires_us.saturating_sub(self.window_us + self.unit_us)
    }

    fn expire(&self, track: &mut Track, words: &mut [u32], now_us: u64) {
        if track.count == 0 {
            return;
        }
        if now_us.saturating_sub(track.latest_us) > self.window_us + self.unit_us {
            words.fill(0);
            *track = Track::default();
        } else if self.exact {
            self.expire_times(track, words, now_us);
        } else {
            self.expire_parts(track, words, now_us);
        }
    }

    /// Invariant: a time leaves only when its true age is at least the window: both ends were rounded down to a tick, so
    /// one tick more is waited for.
    fn expire_times(&self, track: &mut Track, words: &[u32], now_us: u64) {
        let now = wrap(now_us / self.unit_us);
        let lifetime = self.window_us.div_ceil(self.unit_us) + 1;
        while track.count > 0 {
            let oldest = words.get(slot(u64::from(track.start))).copied().unwrap_or_default();
            if u64::from(now.wrapping_sub(oldest)) < lifetime {
                break;
            }
            track.start = (track.start + 1) % word_count();
            track.count -= 1;
        }
    }

    /// Invariant: the sub-windows counted reach back at least one window and at most 1.01 windows.
    fn expire_parts(&self, track: &mut Track, words: &mut [u32], now_us: u64) {
        let oldest = (now_us / self.unit_us).saturating_sub(PARTS);
        while track.count > 0 && track.tail <= track.head {
            let Some(word) = words.get_mut(slot(track.tail)) else { break };
            if track.tail >= oldest && *word > 0 {
                break;
            }
            track.count -= (*word).min(track.count);
            *word = 0;
            track.tail += 1;
        }
    }
}

/// The sub-window that holds the request after so many.
fn part_of(track: &Track, words: &[u32], mut skipped: u32) -> u64 {
    for part in track.tail..track.head {
        let count = words.get(slot(part)).copied().unwrap_or_default();
        if count > skipped {
            return part;
        }
        skipped -= count;
    }
    track.head
}

fn word_count() -> u32 {
    u32::try_from(WORDS).unwrap_or(u32::MAX)
}

/// Where a time or sub-window stands in the words.
fn slot(part: u64) -> usize {
    usize::try_from(part % u64::from(word_count())).unwrap_or_default()
}

/// The low bits of a tick. A kept time is at most `WORDS` windows old, far less than the 4,294 windows that wrap.
fn wrap(part: u64) -> u32 {
    u32::try_from(part & u64::from(u32::MAX)).unwrap_or_default()
}

#[cfg(test)]
mod tests;
