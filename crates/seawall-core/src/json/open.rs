//! The arrays and objects that have not ended.

use super::{
    Fault, Limits,
    keys::{Keys, Own},
};

/// An array or object, or what a document's value stands in.
#[derive(Clone, Copy, Debug)]
struct Frame {
    kind: Kind,
    /// Its items or keys.
    count: u32,
    own: Own,
}

/// What is open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Nothing,
    Array,
    Object,
}

/// So many have room at once: those of most documents.
const ROOM: usize = 10;

/// All that are open.
#[derive(Debug)]
pub(super) struct Open {
    inner: Frame,
    outer: Vec<Frame>,
    keys: Keys,
}

impl Open {
    pub(super) fn new() -> Self {
        let inner = Frame { kind: Kind::Nothing, count: 0, own: Own::default() };
        Self { inner, outer: Vec::new(), keys: Keys::default() }
    }

    /// Bytes of memory that the keys take, beyond what most documents need.
    pub(super) fn held_bytes(&self) -> usize {
        self.keys.held_bytes()
    }

    /// The innermost.
    pub(super) const fn kind(&self) -> Kind {
        self.inner.kind
    }

    /// Whether no other may begin in the innermost.
    pub(super) fn deepest(&self, limits: &Limits) -> bool {
        self.outer.len() >= usize::from(limits.depth)
    }

    /// One begins, which [`Self::deepest`] allows.
    pub(super) fn begin(&mut self, kind: Kind) {
        if self.outer.capacity() == 0 {
            self.outer = Vec::with_capacity(ROOM);
        }
        self.outer.push(self.inner);
        self.inner = Frame { kind, count: 0, own: self.keys.begin() };
    }

    /// The innermost ends.
    pub(super) fn end(&mut self, kind: Kind) -> Result<(), Fault> {
        let Some(outer) = self.outer.pop() else { return Err(Fault::TrailingData) };
        let ended = std::mem::replace(&mut self.inner, outer);
        if ended.kind != kind {
            return Err(Fault::Unexpected);
        }
        self.keys.end(ended.own, outer.own);
        Ok(())
    }

    /// Items or keys of the innermost.
    pub(super) const fn count(&self) -> u32 {
        self.inner.count
    }

    /// One more of them was read.
    pub(super) const fn add(&mut self) {
        self.inner.count += 1;
    }

    /// One more value, which counts in an array.
    pub(super) fn value(&mut self, limits: &Limits) -> Result<(), Fault> {
        if self.inner.kind != Kind::Array {
            return Ok(());
        }
        self.inner.count += 1;
        if self.inner.count > limits.items { Err(Fault::TooManyItems) } else { Ok(()) }
    }

    /// One more key begins.
    pub(super) fn key(&mut self, limits: &Limits) -> Result<(), Fault> {
        self.inner.count += 1;
        if self.inner.count > limits.keys { Err(Fault::TooManyKeys) } else { Ok(()) }
    }

    /// The key has this hash.
    #[inline]
    pub(super) fn named(&mut self, hash: u64) -> Result<(), Fault> {
        if self.keys.insert(&mut self.inner.own, hash) { Ok(()) } else { Err(Fault::DuplicateKey) }
    }
}
