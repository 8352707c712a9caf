//! A call that is made, and what becomes of its answer.

use std::sync::Arc;

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Response, StatusCode, header::CONTENT_TYPE};
use http_body_util::BodyExt;
use seawall_core::clock::Clock;

use super::{
    CACHE_FIELD, Inner,
    kept::{Form, Kept, Wanted},
    key::{Key, Place},
    recorder::Recorder,
    shelf::{Lay, Shelf},
};
use crate::{
    flight::Leader,
    llm::{
        operation::Operation,
        sketch::{Changes, Sketch},
        target::Question,
    },
    service::Answered,
};

/// A call that has to be made. Dropped without an answer, another that waits for it is made in its place.
pub(crate) struct Recording {
    /// What its answer says of the cache.
    how: &'static str,
    /// Nothing where its answer is not to be kept.
    keep: Option<Keep>,
}

/// Where an answer is kept, and who waits for it.
pub(super) struct Keep {
    pub(super) cache: Arc<Inner>,
    pub(super) key: Key,
    pub(super) wanted: Wanted,
    pub(super) leader: Option<Leader<Place, Arc<Kept>>>,
    pub(super) shelf: Shelf,
    pub(super) clock: Arc<dyn Clock>,
    /// What the answer's head says; empty until it is here.
    pub(super) head: HeaderMap,
}

impl Recording {
    pub(super) const fn new(how: &'static str, keep: Option<Keep>) -> Self {
        Self { how, keep }
    }

    /// The call as it is made: a stream that is recorded has to tell its usage, so that every form of it can be given.
    pub(crate) fn asked<'a>(&self, question: Question<'a>) -> Question<'a> {
        let Some(Keep { wanted, .. }) = &self.keep else { return question };
        let Question { asked, sketch, head, body } = question;
        let lacking =
            sketch.as_ref().filter(|_| wanted.streams && wanted.operation == Operation::Chat && !wanted.usage);
        let written = lacking.and_then(|sketch| {
            let changes =
                Changes { model: sketch.model.as_deref().unwrap_or_default(), ask_for_usage: true, most_output: None };
            let body = sketch.written(&body, &changes);
            // It was read before, and has one member more.
            Some((Sketch::of(&body).ok()?, body))
        });
        match written {
            Some((sketch, body)) => Question { asked, sketch: Some(sketch), head, body },
            None => Question { asked, sketch, head, body },
        }
    }

    /// The answer on its way to whoever asked, recorded where it may be kept.
    pub(crate) fn around(self, answered: Answered) -> Answered {
        let Answered { response, attempts } = answered;
        let (mut head, body) = response.into_parts();
        head.headers.insert(&CACHE_FIELD, HeaderValue::from_static(self.how));
        let kind = head.headers.get(CONTENT_TYPE).map(HeaderValue::as_bytes).unwrap_or_default();
        let form = match kind {
            _ if head.status != StatusCode::OK => None,
            kind if kind.starts_with(b"text/event-stream") => Some(Form::Events),
            kind if kind.starts_with(b"application/json") => Some(Form::Whole),
            _ => None,
        };
        let body = match (form, self.keep) {
            (Some(form), Some(keep)) => {
                let keep = Keep { head: head.headers.clone(), ..keep };
                Recorder::new(body, form, keep).boxed_unsync()
            }
            (_, _failed) => body,
        };
        Answered { response: Response::from_parts(head, body), attempts }
    }
}

impl Keep {
    pub(super) fn largest_bytes(&self) -> usize {
        self.cache.settings.largest_bytes
    }

    /// The answer cannot be kept: each who waits asks for itself.
    pub(super) fn alone(self) {
        if let Some(leader) = self.leader {
            leader.keep();
        }
    }

    /// The answer is here as a whole.
    pub(super) fn finish(self, form: Form, body: Bytes) {
        let at_us = self.clock.now().unix_us;
        let Some(kept) = Kept::of(form, self.wanted, &self.head, body, at_us).map(Arc::new) else {
            return self.alone();
        };
        self.cache.memory.put(self.key.place, Arc::clone(&kept));
        if self.cache.settings.store_bytes > 0 {
            let (ttl_us, most_bytes) = (self.cache.settings.ttl_us(), self.cache.settings.store_bytes);
            self.shelf.lay(Lay { key: self.key, kept: Arc::clone(&kept), ttl_us, most_bytes });
        }
        if let Some(leader) = self.leader {
            leader.share(kept);
        }
    }
}
