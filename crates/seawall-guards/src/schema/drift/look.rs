//! One answer compared with what the document promises of it.

use std::{fmt, sync::Arc};

use http::{
    HeaderMap, Method, StatusCode,
    header::{CONTENT_LENGTH, CONTENT_TYPE},
};
use seawall_core::{
    clock::Now,
    meter::{Handle, Meter},
};

use super::{DRIFT, Differs, Drift, Told, sampler::Sampler};
use crate::{
    AnswerHead, Context, Follow, Rest,
    json::encoded,
    schema::{Faults, Operation, Place, UnknownFields, fault::one, is_json},
};

/// The largest body that is compared.
const MOST_BYTES: usize = 1024 * 1024;

/// Larger ones are compared off the answer's way.
const AT_ONCE_BYTES: usize = 64 * 1024;

/// What the answer to a request is compared with.
#[derive(Clone, Debug)]
pub(crate) struct Promised {
    operation: Arc<Operation>,
    /// Whether it was asked for the head alone.
    head: bool,
}

impl Promised {
    pub(in crate::schema) fn new(operation: &Arc<Operation>, method: &Method) -> Self {
        Self { operation: Arc::clone(operation), head: method == Method::HEAD }
    }
}

/// The comparing of one route's answers on one core; cheap to clone.
#[derive(Clone)]
pub(in crate::schema) struct Answers(Arc<Inner>);

struct Inner {
    drift: Drift,
    route: Box<str>,
    unknown: UnknownFields,
    sampler: Sampler,
    /// A counter for each of [`Differs::WORDS`].
    counters: [Handle; 3],
}

impl fmt::Debug for Answers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Answers").field("route", &self.0.route).finish_non_exhaustive()
    }
}

impl Answers {
    pub(in crate::schema) fn new(drift: &Drift, route: &str, unknown: UnknownFields, meter: &dyn Meter) -> Self {
        let counters = Differs::WORDS.map(|word| meter.series(&DRIFT, &[route, word]));
        let (drift, route) = (drift.clone(), route.into());
        Self(Arc::new(Inner { drift, route, unknown, sampler: Sampler::default(), counters }))
    }

    /// Tells what is wrong with the head, and gives a look at the body when that is to be compared.
    pub(in crate::schema) fn follow(
        &self,
        Promised { operation, head }: Promised,
        answer: &AnswerHead,
        context: &mut Context,
    ) -> Option<Box<dyn Follow>> {
        // Any request can ask for these; documents tell of the answer with 200 that they are made of.
        if matches!(answer.status, StatusCode::NOT_MODIFIED | StatusCode::PARTIAL_CONTENT) {
            return None;
        }
        let status = answer.status.as_u16();
        let absent = head || answer.status == StatusCode::NO_CONTENT;
        let (faults, described) = operation.answer_head(status, &answer.headers, absent);
        context.drift.add(self.told(&operation, status, &faults, context.now));
        let content_type = answer.headers.get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
        if !described || !is_json(content_type) || encoded(&answer.headers) {
            return None;
        }
        self.0.drift.saw_body();
        if length(&answer.headers) > MOST_BYTES as u64 || !self.0.sampler.takes(context.now.monotonic_us) {
            return None;
        }
        Some(Box::new(Look {
            answers: self.clone(),
            told: context.drift.shared(),
            operation,
            status,
            content_type: content_type.to_owned(),
            now: context.now,
            bytes: Vec::new(),
        }))
    }

    /// Tells of the faults of one answer, and says which parts of it they are in.
    fn told(&self, operation: &Operation, status: u16, faults: &Faults, now: Now) -> Differs {
        let mut differs = Differs::default();
        if faults.is_empty() {
            return differs;
        }
        for fault in faults.list() {
            differs = differs.and(match fault.place {
                Place::Message => Differs::STATUS,
                Place::Body => Differs::BODY,
                Place::Path | Place::Query | Place::Header | Place::Cookie => Differs::HEADER,
            });
        }
        for word in differs.words() {
            let counters = Differs::WORDS.iter().zip(&self.0.counters);
            counters.filter(|(counted, _)| **counted == word).for_each(|(_, counter)| counter.increment());
        }
        self.0.drift.found(&self.0.route, operation, status, faults, now.unix_us);
        differs
    }
}

/// The declared length; nothing is declared of one that comes in parts.
fn length(headers: &HeaderMap) -> u64 {
    headers.get(CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse().ok()).unwrap_or_default()
}

/// The body of one answer.
struct Look {
    answers: Answers,
    told: Told,
    operation: Arc<Operation>,
    status: u16,
    content_type: String,
    now: Now,
    bytes: Vec<u8>,
}

impl fmt::Debug for Look {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Look").field("operation", &self.operation.name()).field("bytes", &self.bytes.len()).finish()
    }
}

impl Look {
    fn compare(mut self) {
        let faults = match serde_json::from_slice(&self.bytes) {
            Ok(value) => {
                let unknown = self.answers.0.unknown;
                self.operation.answer(self.status, &self.content_type, &value, unknown, self.now)
            }
            Err(_) => one(Place::Body, "content", "sound JSON", "another body"),
        };
        self.answers.0.drift.compared();
        let differs = self.answers.told(&self.operation, self.status, &faults, self.now);
        self.told.add(differs);
    }
}

impl Follow for Look {
    fn part(&mut self, part: &[u8]) -> bool {
        if self.bytes.len() + part.len() > MOST_BYTES {
            return false;
        }
        self.bytes.extend_from_slice(part);
        true
    }

    fn end(self: Box<Self>, whole: bool) -> Option<Rest> {
        if !whole {
            return None;
        }
        if self.bytes.len() <= AT_ONCE_BYTES {
            self.compare();
            return None;
        }
        let turn = self.answers.0.drift.turn()?;
        Some(Box::new(move || {
            self.compare();
            drop(turn);
        }))
    }
}
