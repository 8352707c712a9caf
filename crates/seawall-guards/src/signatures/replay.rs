//! Which signatures were taken: each is taken once.

use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex, PoisonError},
};

/// The most signatures that are remembered at once.
const MOST: usize = 262_144;

/// How many that have ended are forgotten with each that comes.
const FORGOTTEN_AT_ONCE: usize = 16;

/// What a signature is known by: bytes of a digest of all that it covers. The signature's own bytes would not do: whoever has one by
/// ECDSA can make another of it.
pub(super) type Mark = [u8; 16];

/// Signatures that were taken, in this process; cheap to clone. A reload forgets none.
#[derive(Clone, Debug, Default)]
pub struct Seen(Arc<Mutex<Table>>);

#[derive(Debug, Default)]
struct Table {
    marks: BTreeSet<Mark>,
    /// The same, by when they end.
    ends: BTreeSet<(u64, Mark)>,
}

/// What is known of a signature.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Noted {
    /// It comes for the first time, and is remembered.
    First,
    /// It came before.
    Again,
    /// There is no room to remember it.
    Full,
}

impl Seen {
    /// Remembers a signature until so many seconds since 1970-01-01T00:00:00Z.
    pub(super) fn note(&self, mark: Mark, until_unix_s: u64, now_unix_s: u64) -> Noted {
        self.note_among(MOST, mark, until_unix_s, now_unix_s)
    }

    pub(super) fn note_among(&self, most: usize, mark: Mark, until_unix_s: u64, now_unix_s: u64) -> Noted {
        let mut table = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for _ in 0..FORGOTTEN_AT_ONCE {
            match table.ends.first().copied() {
                Some((end, ended)) if end < now_unix_s => {
                    table.ends.pop_first();
                    table.marks.remove(&ended);
                }
                _ => break,
            }
        }
        if table.marks.contains(&mark) {
            return Noted::Again;
        }
        if table.marks.len() >= most {
            return Noted::Full;
        }
        table.marks.insert(mark);
        table.ends.insert((until_unix_s, mark));
        Noted::First
    }
}
