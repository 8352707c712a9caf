//! Reading one body, and what the operation says of it.

use std::{fmt, sync::Arc};

use bytes::Bytes;
use seawall_core::{clock::Now, json::Scanner, problem::Problem, reply::BoxFuture};

use super::{
    Operation, UnknownFields, faulty,
    pairs::{Pair, pairs},
};
use crate::{
    Context, Head, Inspect, Settle, Verdict,
    json::{Growing, Item, Tree},
};

/// The longest form that is read.
pub(super) const MOST_FORM_BYTES: usize = 1024 * 1024;

/// The most fields of a form.
const MOST_FORM_FIELDS: usize = 1_000;

/// Bodies of more bytes are looked at where that holds no core.
const AT_ONCE_BYTES: usize = 64 * 1024;

/// Runs work where it may take long, and gives what it came to.
pub type Aside = fn(Box<dyn FnOnce() -> Settle + Send>) -> BoxFuture<'static, Settle>;

/// What one body is compared with.
#[derive(Clone)]
pub(super) struct Expectation {
    pub(super) operation: Arc<Operation>,
    pub(super) content_type: String,
    pub(super) unknown: UnknownFields,
    pub(super) aside: Option<Aside>,
}

impl fmt::Debug for Expectation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Expectation").field("operation", &self.operation.name()).finish_non_exhaustive()
    }
}

impl Expectation {
    fn check(&self, value: &Tree, now: Now) -> Result<Option<Tree>, Box<Problem>> {
        let checked = self.operation.json(&self.content_type, value, self.unknown, now);
        checked.map_err(|faults| faulty::refusal(&self.operation, &faults))
    }

    fn without(&self) -> Verdict {
        let faults = self.operation.without_body();
        if faults.is_empty() { Verdict::Pass } else { Verdict::Refuse(faulty::refusal(&self.operation, &faults)) }
    }
}

/// A body in JSON.
#[derive(Debug)]
pub(super) struct JsonLook {
    pub(super) expected: Expectation,
    /// Reads the body; nothing when the guard of its shape reads it before.
    pub(super) scanner: Option<Scanner<Growing>>,
    pub(super) bytes: usize,
}

impl Inspect for JsonLook {
    fn part(&mut self, part: &[u8]) -> Result<(), Box<Problem>> {
        self.bytes += part.len();
        let Some(scanner) = &mut self.scanner else { return Ok(()) };
        scanner.feed(part).map_err(|refusal| faulty::unsound(&self.expected.operation, refusal))
    }

    fn held_bytes(&self) -> usize {
        self.scanner.as_ref().map_or(0, |scanner| scanner.held_bytes() + scanner.sink().held_bytes())
    }

    fn end(self: Box<Self>, _head: &mut Head, context: &mut Context) -> Verdict {
        let Self { expected, scanner, bytes } = *self;
        if bytes == 0 {
            return expected.without();
        }
        if let Some(scanner) = scanner {
            match scanner.finish() {
                Ok(tree) => context.json = tree.into_tree(),
                Err(refusal) => return Verdict::Refuse(faulty::unsound(&expected.operation, refusal)),
            }
        }
        let Some(value) = context.json.take() else {
            // Invariant: nothing passes unseen; the guard of its shape enforces, so whatever it did not read was refused.
            return Verdict::Refuse(faulty::unreadable(&expected.operation, "JSON", "a body that was not read"));
        };
        let now = context.now;
        match expected.aside.filter(|_| bytes > AT_ONCE_BYTES) {
            None => settled(value_and_result(&expected, value, now), context),
            Some(aside) => {
                // The work goes on when its client leaves, and so does what the value takes.
                let held = context.held.take();
                let work = move || -> Settle {
                    let checked = value_and_result(&expected, value, now);
                    Box::new(move |_, context| {
                        context.held = held;
                        settled(checked, context)
                    })
                };
                Verdict::Later(aside(Box::new(work)))
            }
        }
    }
}

/// A value, what is to take its place, and its bytes; or why it is refused.
type Checked = (Tree, Result<Option<Bytes>, Box<Problem>>);

fn value_and_result(expected: &Expectation, value: Tree, now: Now) -> Checked {
    match expected.check(&value, now) {
        Ok(None) => (value, Ok(None)),
        Ok(Some(stripped)) => {
            // Before there are three of it.
            drop(value);
            let written = Bytes::from(stripped.to_json());
            (stripped, Ok(Some(written)))
        }
        Err(problem) => (value, Err(problem)),
    }
}

/// Later guards see the value that goes on.
fn settled((value, result): Checked, context: &mut Context) -> Verdict {
    context.json = Some(value);
    match result {
        Ok(stripped) => {
            if stripped.is_some() {
                context.body = stripped;
            }
            Verdict::Pass
        }
        Err(problem) => Verdict::Refuse(problem),
    }
}

/// A form, `application/x-www-form-urlencoded`.
#[derive(Debug)]
pub(super) struct FormLook {
    pub(super) expected: Expectation,
    pub(super) bytes: Vec<u8>,
}

impl Inspect for FormLook {
    fn part(&mut self, part: &[u8]) -> Result<(), Box<Problem>> {
        if self.bytes.len() + part.len() > MOST_FORM_BYTES {
            return Err(faulty::unreadable(&self.expected.operation, "a form of at most 1 MiB", "a longer one"));
        }
        self.bytes.extend_from_slice(part);
        Ok(())
    }

    fn held_bytes(&self) -> usize {
        self.bytes.capacity()
    }

    fn end(self: Box<Self>, _head: &mut Head, context: &mut Context) -> Verdict {
        if self.bytes.is_empty() {
            return self.expected.without();
        }
        match self.stripped(context.now) {
            Ok(None) => Verdict::Pass,
            Ok(Some(rest)) => {
                context.body = Some(rest);
                Verdict::Pass
            }
            Err(problem) => Verdict::Refuse(problem),
        }
    }
}

impl FormLook {
    /// The form without what no schema names; nothing when all of it is named.
    fn stripped(&self, now: Now) -> Result<Option<Bytes>, Box<Problem>> {
        const EXPECTED: &str = "a form in UTF-8, percent-encoded, of at most 1000 fields";
        let unreadable = || faulty::unreadable(&self.expected.operation, EXPECTED, "another body");
        let text = std::str::from_utf8(&self.bytes).map_err(|_| unreadable())?;
        let read: Option<Vec<(&str, Pair<'_>)>> =
            pairs(text).take(MOST_FORM_FIELDS + 1).map(|(raw, pair)| Some((raw, pair?))).collect();
        let read = read.filter(|fields| fields.len() <= MOST_FORM_FIELDS).ok_or_else(unreadable)?;
        let fields: Vec<_> = read.iter().map(|(_, pair)| pair.clone()).collect();
        let value = self.expected.operation.form(&self.expected.content_type, &fields);
        let Some(rest) = self.expected.check(&Tree::from(&value), now)? else { return Ok(None) };
        let Item::Object(rest) = rest.root() else { return Ok(None) };
        let named = |name: &str| rest.get(name).is_some();
        let kept = read.iter().filter(|(_, (name, _))| named(name)).map(|(raw, _)| *raw);
        Ok(Some(Bytes::from(kept.collect::<Vec<_>>().join("&"))))
    }
}

/// A body where none is described.
#[derive(Debug)]
pub(super) struct NoBodyLook {
    pub(super) operation: Arc<Operation>,
    /// Whether it is taken out instead of refused.
    pub(super) strip: bool,
}

impl Inspect for NoBodyLook {
    fn part(&mut self, part: &[u8]) -> Result<(), Box<Problem>> {
        if part.is_empty() || self.strip { Ok(()) } else { Err(faulty::no_body(&self.operation)) }
    }

    fn end(self: Box<Self>, _head: &mut Head, context: &mut Context) -> Verdict {
        if self.strip {
            context.body = Some(Bytes::new());
        }
        // Whoever came here without stripping saw no byte.
        let faults = self.operation.without_body();
        if faults.is_empty() { Verdict::Pass } else { Verdict::Refuse(faulty::refusal(&self.operation, &faults)) }
    }
}
