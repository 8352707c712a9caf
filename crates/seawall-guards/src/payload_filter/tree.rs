//! A walk through a JSON document, in slices that hold no core for long.

use std::{borrow::Cow, fmt::Write as _, future::poll_fn, task::Poll};

use super::{Filter, Finding, Place, Tally};
use crate::json::{Entries, Item, Tree};

/// An array or object that is walked through, with where in it the walk is.
#[derive(Debug)]
enum Open<'a> {
    Array(std::iter::Enumerate<Entries<'a>>, usize),
    Object(Entries<'a>, &'a str),
}

/// Walks through a document.
#[derive(Debug)]
struct Walk<'a> {
    filter: &'a Filter,
    open: Vec<Open<'a>>,
    tally: Tally,
}

/// The strongest finding.
pub(super) fn at_once(filter: &Filter, tree: &Tree) -> Option<Finding> {
    let mut walk = Walk::new(filter, tree);
    while walk.step().is_some() {}
    walk.tally.strongest()
}

/// The same, letting others have the core each time that so many bytes were scored.
pub(super) async fn in_slices(filter: &Filter, tree: &Tree, slice_bytes: usize) -> Option<Finding> {
    let mut walk = Walk::new(filter, tree);
    let mut bytes = 0;
    while let Some(more) = walk.step() {
        bytes += more;
        if bytes >= slice_bytes {
            bytes = 0;
            let mut waited = false;
            poll_fn(|cx| {
                if std::mem::replace(&mut waited, true) {
                    return Poll::Ready(());
                }
                cx.waker().wake_by_ref();
                Poll::Pending
            })
            .await;
        }
    }
    walk.tally.strongest()
}

/// What a step takes besides the bytes of its text, in bytes.
const STEP_BYTES: usize = 8;

impl<'a> Walk<'a> {
    fn new(filter: &'a Filter, tree: &'a Tree) -> Self {
        let mut walk = Self { filter, open: Vec::new(), tally: Tally::default() };
        walk.enter(tree.root());
        walk
    }

    /// Looks at a value, and gives how many bytes that took.
    fn enter(&mut self, value: Item<'a>) -> usize {
        match value {
            Item::Array(items) => self.open.push(Open::Array(items.iter().enumerate(), 0)),
            Item::Object(entries) => self.open.push(Open::Object(entries.iter(), "")),
            Item::Text(text) => {
                self.score(text);
                return text.len();
            }
            Item::Null | Item::Flag(_) | Item::Number(_) => {}
        }
        0
    }

    /// Goes one value further; nothing at the end.
    fn step(&mut self) -> Option<usize> {
        let (key, value) = match self.open.last_mut()? {
            Open::Array(items, at) => match items.next() {
                Some((place, entry)) => {
                    *at = place;
                    (None, Some(entry.value()))
                }
                None => (None, None),
            },
            Open::Object(entries, at) => match entries.next() {
                Some(entry) => {
                    *at = entry.key();
                    (Some(entry.key()), Some(entry.value()))
                }
                None => (None, None),
            },
        };
        let Some(value) = value else {
            self.open.pop();
            return Some(STEP_BYTES);
        };
        let of_key = key.map_or(0, |key| {
            self.score(key);
            key.len()
        });
        Some(of_key + self.enter(value) + STEP_BYTES)
    }

    fn score(&mut self, text: &str) {
        let open = &self.open;
        self.tally.add(self.filter.named(Place::Body, || Cow::Owned(pointer(open)), text.as_bytes()));
    }
}

/// Where the walk is, as a JSON pointer (RFC 6901).
fn pointer(open: &[Open<'_>]) -> String {
    let mut out = String::new();
    for place in open {
        // Writing to a string cannot fail.
        let _infallible = match place {
            Open::Array(_, at) => write!(out, "/{at}"),
            Open::Object(_, key) => write!(out, "/{}", key.replace('~', "~0").replace('/', "~1")),
        };
    }
    out
}
