//! An answer that is kept: as it came, and given as each call wants it.

use bytes::Bytes;
use http::{
    HeaderName, HeaderValue, Response,
    header::{AGE, CONTENT_TYPE},
};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{CACHE_FIELD, good::good, replay};
use crate::{
    body::{Body, whole},
    llm::{
        account::Account,
        operation::{Dialect, Operation},
        route::{SERVED_MODEL, served},
        sse::Events,
    },
};

static SERVED_BY: HeaderName = HeaderName::from_static("x-seawall-provider");

/// How an answer came.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Form {
    /// As a whole.
    Whole,
    /// Event by event, with the one that tells its usage where its dialect has that.
    Events,
}

/// How an answer is wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Wanted {
    pub(super) dialect: Dialect,
    pub(super) operation: Operation,
    pub(super) streams: bool,
    /// Whether its stream tells of its usage.
    pub(super) usage: bool,
}

/// What is known of an answer beside itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct About {
    form: Form,
    kind: String,
    provider: String,
    /// Nothing in what was laid down before it was kept.
    #[serde(default)]
    model: String,
    at_us: u64,
}

/// An answer, whole and good.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Kept {
    about: About,
    body: Bytes,
}

impl Kept {
    /// An answer that was given at this time; nothing when it is none to be given again.
    pub(super) fn of(form: Form, wanted: Wanted, head: &http::HeaderMap, body: Bytes, at_us: u64) -> Option<Self> {
        let Wanted { dialect, operation, .. } = wanted;
        let answer = match form {
            Form::Whole => serde_json::from_slice(&body).ok()?,
            Form::Events => replay::folded(dialect, operation, &body)?,
        };
        // Whatever is kept can be given in both forms.
        let both = !replay::has_both(operation) || replay::unfolded(dialect, operation, &answer, true).is_some();
        if !both || !good(dialect, operation, &answer) {
            return None;
        }
        let text = |name| head.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default().to_owned();
        let about =
            About { form, kind: text(&CONTENT_TYPE), provider: text(&SERVED_BY), model: text(&SERVED_MODEL), at_us };
        Some(Self { about, body })
    }

    /// What it holds in memory, about.
    pub(super) fn size_bytes(&self) -> u64 {
        let About { kind, provider, model, .. } = &self.about;
        (self.body.len() + kind.len() + provider.len() + model.len()) as u64
    }

    /// When it was given first, in microseconds since 1970-01-01T00:00:00Z.
    pub(super) const fn at_us(&self) -> u64 {
        self.about.at_us
    }

    /// Whether it is to be given still.
    pub(super) const fn fresh(&self, now_us: u64, ttl_us: u64) -> bool {
        now_us.saturating_sub(self.about.at_us) < ttl_us
    }

    /// The answer as a call wants it; nothing when it cannot be given so.
    pub(super) fn given(&self, wanted: Wanted, how: &'static str, now_us: u64) -> Option<Response<Body>> {
        let Wanted { dialect, operation, streams, usage } = wanted;
        let (kind, body) = match (self.about.form, streams) {
            (Form::Whole, false) => (&*self.about.kind, self.body.clone()),
            (Form::Events, true) => (&*self.about.kind, replay::again(dialect, operation, &self.body, usage)),
            (Form::Events, false) => {
                ("application/json", replay::folded(dialect, operation, &self.body)?.to_string().into())
            }
            (Form::Whole, true) => {
                let answer: Value = serde_json::from_slice(&self.body).ok()?;
                ("text/event-stream; charset=utf-8", replay::unfolded(dialect, operation, &answer, usage)?)
            }
        };
        let mut response = Response::new(whole(body));
        let headers = response.headers_mut();
        let age = now_us.saturating_sub(self.about.at_us) / 1_000_000;
        headers.insert(AGE, HeaderValue::from(age));
        headers.insert(&CACHE_FIELD, HeaderValue::from_static(how));
        for (name, text) in [(&CONTENT_TYPE, kind), (&SERVED_BY, &*self.about.provider)] {
            if let Ok(value) = HeaderValue::from_str(text) {
                headers.insert(name, value);
            }
        }
        if let Some(model) = served(&self.about.model) {
            headers.insert(&SERVED_MODEL, model);
        }
        Some(response)
    }

    /// Tells what it says.
    pub(super) fn heard_by(&self, account: &mut Account) {
        if self.about.form == Form::Whole {
            return account.hear(&self.body);
        }
        let mut events = Events::default();
        if events.push(&self.body).is_ok() {
            std::iter::from_fn(|| events.next()).for_each(|event| account.hear(&event.data));
        }
    }

    /// All of it, to be sealed.
    pub(super) fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = serde_json::to_vec(&self.about).unwrap_or_default();
        bytes.push(b'\n');
        bytes.extend_from_slice(&self.body);
        bytes
    }

    /// What [`Self::to_bytes`] made.
    pub(super) fn from_bytes(bytes: &Bytes) -> Option<Self> {
        let end = bytes.iter().position(|byte| *byte == b'\n')?;
        let about = serde_json::from_slice(bytes.get(..end)?).ok()?;
        Some(Self { about, body: bytes.slice(end + 1..) })
    }
}
