//! What the fake has to know of an API: how it is asked, and how its answers, streams and errors look.

use hyper::HeaderMap;
use serde_json::Value;

use super::{
    anthropic,
    ask::Ask,
    frame::Frame,
    gemini, openai,
    refused::{Refused, Why},
    reply::Reply,
};

/// An API that generates text.
#[derive(Debug)]
pub(super) struct Dialect {
    pub(super) read: fn(&Asked<'_>) -> Result<Ask, Refused>,
    pub(super) whole: fn(&Ask, &Reply) -> Value,
    pub(super) frames: fn(&Ask, &Reply) -> Vec<Frame>,
    /// An error in the middle of a stream, after so many frames.
    pub(super) error_frame: fn(&Ask, &Refused, usize) -> Frame,
}

/// A request as endpoints see it.
#[derive(Debug)]
pub(super) struct Asked<'a> {
    pub(super) headers: &'a HeaderMap,
    pub(super) query: &'a str,
    pub(super) body: &'a Value,
    /// From the path or the body; empty when neither names one.
    pub(super) model: &'a str,
    /// What follows the model in the path.
    pub(super) action: &'a str,
}

impl Asked<'_> {
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }
}

/// Whose API it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Provider {
    OpenAi,
    Anthropic,
    Gemini,
}

impl Provider {
    pub(super) fn error(self, refused: &Refused, request_id: &str) -> Value {
        match self {
            Self::OpenAi => openai::error(refused),
            Self::Anthropic => anthropic::error(refused, Some(request_id)),
            Self::Gemini => gemini::error(refused),
        }
    }

    /// The fields of every answer.
    pub(super) fn headers(self, request_id: &str) -> Vec<(&'static str, String)> {
        match self {
            Self::OpenAi => openai::headers(request_id),
            Self::Anthropic => anthropic::headers(request_id),
            Self::Gemini => gemini::headers(),
        }
    }

    /// The field that says when to come again. Gemini says it in the body.
    pub(super) fn retry_after(self, refused: &Refused) -> Option<(&'static str, String)> {
        let seconds = refused.retry_after_s.filter(|_| self != Self::Gemini)?;
        Some(("retry-after", seconds.to_string()))
    }

    /// Looks whether a key was sent.
    pub(super) fn check_key(self, asked: &Asked<'_>) -> Result<(), Refused> {
        let bearer = || asked.header("authorization").and_then(|value| value.strip_prefix("Bearer "));
        let (key, wanted) = match self {
            Self::OpenAi => (bearer(), "Authorization: Bearer KEY"),
            Self::Anthropic => {
                (asked.header("x-api-key").or_else(bearer), "x-api-key: KEY or Authorization: Bearer KEY")
            }
            Self::Gemini => {
                let query = || asked.query.split('&').find_map(|pair| pair.strip_prefix("key="));
                (asked.header("x-goog-api-key").or_else(query).or_else(bearer), "x-goog-api-key: KEY or ?key=KEY")
            }
        };
        match key.map(str::trim) {
            None | Some("") => Err(Refused::new(401, Why::Key, format!("no API key was sent; send {wanted}"))),
            Some("wrong") => Err(Refused::new(401, Why::Key, "incorrect API key provided: wrong")),
            Some(_) => Ok(()),
        }
    }
}
