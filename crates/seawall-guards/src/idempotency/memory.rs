//! Attempts in memory: for one process, and for as long as it lives. Whoever needs them after a restart keeps them in a database.

use std::{
    collections::{BTreeSet, HashMap},
    sync::{Mutex, MutexGuard, PoisonError},
};

use seawall_core::{
    idempotency::{
        Answered, Begin, Claim, Ending, Fence, Found, IdempotencyStore, Judgement, Lease, Life, Names, Seal, Settled,
        Standing, When, judge,
    },
    reply::{PortError, Reply},
};

/// Keys that have expired and are let go of with each attempt: more than it adds, so that none stay.
const LET_GO: usize = 4;

/// How much is kept at most.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MemoryBounds {
    /// Keys of all callers.
    pub keys: usize,
    /// Keys of one caller.
    pub keys_per_caller: usize,
    /// Bytes of all answers. An answer that has no room is told as carried out and not kept.
    pub bytes: usize,
}

impl Default for MemoryBounds {
    fn default() -> Self {
        Self { keys: 65_536, keys_per_caller: 4_096, bytes: 64 * 1024 * 1024 }
    }
}

/// Attempts in memory. What is kept is never pushed out before its time: without room, attempts are refused.
#[derive(Debug)]
pub struct MemoryAttempts {
    table: Mutex<Table>,
    bounds: MemoryBounds,
}

#[derive(Debug, Default)]
struct Table {
    entries: HashMap<[u8; 32], Entry>,
    /// Every entry by its end.
    ends: BTreeSet<(i64, [u8; 32])>,
    /// How many keys each caller has.
    callers: HashMap<[u8; 16], usize>,
    bytes: usize,
    serial: i64,
}

#[derive(Debug)]
struct Entry {
    caller: [u8; 16],
    proof: [u8; 32],
    serial: i64,
    standing: Standing,
    begun_at_us: i64,
    expires_at_us: i64,
    answer: Option<Answered>,
}

impl Default for MemoryAttempts {
    fn default() -> Self {
        Self::new(MemoryBounds::default())
    }
}

impl MemoryAttempts {
    /// An empty table.
    #[must_use]
    pub fn new(bounds: MemoryBounds) -> Self {
        Self { table: Mutex::default(), bounds }
    }

    fn lock(&self) -> MutexGuard<'_, Table> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn claim(&self, begin: &Begin<'_>) -> Result<Claim, PortError> {
        let names = Names::of(begin.scope, begin.key, begin.fingerprint);
        let now_us = micros(begin.when.now.monotonic_us);
        let mut table = self.lock();
        table.let_go(now_us);
        let again = match table.entries.get(&names.place) {
            None => {
                table.room(self.bounds, begin.scope.caller.bytes())?;
                false
            }
            Some(entry) => match judge(&entry.found(&names), begin.unknown, now_us) {
                Judgement::Forgotten => false,
                Judgement::Again => true,
                Judgement::Mismatch => return Ok(Claim::Mismatch),
                Judgement::InFlight { for_us } => return Ok(Claim::InFlight { for_us }),
                Judgement::Unknown => return Ok(Claim::Unknown),
                Judgement::Completed => return entry.told(),
            },
        };
        let fence = table.begin(begin, &names, now_us);
        let seal = Seal::of(begin.scope, begin.key, begin.fingerprint);
        Ok(Claim::Fresh(Lease { names, fence, seal, ttl_us: begin.ttl_us, again, hold: None }))
    }
}

impl IdempotencyStore for MemoryAttempts {
    fn begin(&self, begin: &Begin<'_>) -> Reply<Claim> {
        Reply::Ready(self.claim(begin))
    }

    fn settle(&self, lease: &Lease, ending: Ending, when: When) -> Reply<Settled> {
        let settled = self.lock().settle(lease, ending, micros(when.now.monotonic_us), self.bounds.bytes);
        Reply::Ready(Ok(settled))
    }

    fn give_up(&self, lease: &Lease, ending: Ending, when: When) {
        self.lock().settle(lease, ending, micros(when.now.monotonic_us), self.bounds.bytes);
    }
}

impl Table {
    /// Lets go of some that have expired.
    fn let_go(&mut self, now_us: i64) {
        for _ in 0..LET_GO {
            match self.ends.first() {
                Some(&(end_us, place)) if end_us <= now_us => self.remove(&place),
                _ => return,
            }
        }
    }

    fn room(&self, bounds: MemoryBounds, caller: &[u8; 16]) -> Result<(), PortError> {
        let own = self.callers.get(caller).copied().unwrap_or_default();
        let fits = self.entries.len() < bounds.keys && own < bounds.keys_per_caller;
        if fits { Ok(()) } else { Err(PortError::Full) }
    }

    fn begin(&mut self, begin: &Begin<'_>, names: &Names, now_us: i64) -> Fence {
        self.remove(&names.place);
        self.serial += 1;
        let until_us = now_us.saturating_add_unsigned(begin.lease_us);
        let entry = Entry {
            caller: *begin.scope.caller.bytes(),
            proof: names.proof,
            serial: self.serial,
            standing: Standing::Begun { holder_lives: true, until_us },
            begun_at_us: now_us,
            expires_at_us: now_us.saturating_add_unsigned(begin.ttl_us).max(until_us),
            answer: None,
        };
        *self.callers.entry(entry.caller).or_default() += 1;
        self.ends.insert((entry.expires_at_us, names.place));
        self.entries.insert(names.place, entry);
        Fence { life: Life([0; 16]), serial: self.serial }
    }

    fn settle(&mut self, lease: &Lease, ending: Ending, now_us: i64, most_bytes: usize) -> Settled {
        let place = lease.names.place;
        let Some(entry) = self.entries.get_mut(&place) else {
            // Released already, or forgotten.
            return if ending == Ending::Released { Settled::Kept } else { Settled::TooLate };
        };
        if entry.serial != lease.fence.serial {
            return Settled::TooLate;
        }
        let begun = matches!(entry.standing, Standing::Begun { .. });
        match ending {
            Ending::Released if begun => self.remove(&place),
            Ending::Abandoned if begun => entry.standing = Standing::Abandoned,
            Ending::Released | Ending::Abandoned => {}
            Ending::Completed(answered) => {
                self.bytes -= entry.size();
                let fits = self.bytes + size(&answered) <= most_bytes;
                entry.answer = Some(if fits { answered } else { without_body(&answered) });
                entry.standing = Standing::Completed;
                self.bytes += entry.size();
                self.ends.remove(&(entry.expires_at_us, place));
                entry.expires_at_us = now_us.saturating_add_unsigned(lease.ttl_us);
                self.ends.insert((entry.expires_at_us, place));
            }
        }
        Settled::Kept
    }

    fn remove(&mut self, place: &[u8; 32]) {
        let Some(entry) = self.entries.remove(place) else { return };
        self.ends.remove(&(entry.expires_at_us, *place));
        self.bytes -= entry.size();
        if let Some(keys) = self.callers.get_mut(&entry.caller) {
            *keys -= 1;
            if *keys == 0 {
                self.callers.remove(&entry.caller);
            }
        }
    }
}

impl Entry {
    fn found(&self, names: &Names) -> Found {
        Found {
            same_request: self.proof == names.proof,
            standing: self.standing,
            begun_at_us: self.begun_at_us,
            expires_at_us: self.expires_at_us,
        }
    }

    fn told(&self) -> Result<Claim, PortError> {
        match &self.answer {
            Some(Answered::Kept(answer)) => Ok(Claim::Replay(answer.clone())),
            Some(Answered::NotKept(status)) => Ok(Claim::NotKept(*status)),
            None => Err(PortError::Unavailable),
        }
    }

    fn size(&self) -> usize {
        self.answer.as_ref().map_or(0, size)
    }
}

fn size(answered: &Answered) -> usize {
    match answered {
        Answered::Kept(answer) => answer.size(),
        Answered::NotKept(_) => 0,
    }
}

const fn without_body(answered: &Answered) -> Answered {
    match answered {
        Answered::Kept(answer) => Answered::NotKept(answer.status),
        Answered::NotKept(status) => Answered::NotKept(*status),
    }
}

fn micros(us: u64) -> i64 {
    i64::try_from(us).unwrap_or(i64::MAX)
}
