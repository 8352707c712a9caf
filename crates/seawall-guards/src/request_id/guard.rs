//! Giving the id.

use bytes::Bytes;
use http::{HeaderName, HeaderValue};
use seawall_core::{
    http::Networks,
    request_id::RequestId,
    settings::{BadSetting, Values},
};

use super::config::KEEP;
use crate::{AnswerHead, Context, Guard, Head, Needs, Verdict};

/// The header.
pub static NAME: HeaderName = HeaderName::from_static("x-request-id");

/// An id as the bytes of a value.
struct Owned(RequestId);

impl AsRef<[u8]> for Owned {
    fn as_ref(&self) -> &[u8] {
        self.0.as_bytes()
    }
}

/// Gives every request an id.
#[derive(Debug)]
pub struct RequestIdGuard {
    keep: bool,
    trusted: Networks,
}

impl RequestIdGuard {
    /// Reads the settings; ids are kept only from peers in `trusted`.
    ///
    /// # Errors
    /// [`BadSetting`] when they are not checked settings of the section.
    pub fn read(values: &Values, trusted: Networks) -> Result<Self, BadSetting> {
        Ok(Self { keep: values.get(&KEEP)?, trusted })
    }
}

impl Guard for RequestIdGuard {
    fn head(&self, head: &mut Head, context: &mut Context) -> Verdict {
        if self.keep && self.trusted.contains(context.peer.address) {
            let kept = head.headers.get(&NAME).and_then(|value| RequestId::parse(value.as_bytes()));
            context.request_id = kept.unwrap_or(context.request_id);
        }
        // It goes to the application, and back to the client: a value that shares the id with its copies from the beginning.
        if let Ok(value) = HeaderValue::from_maybe_shared(Bytes::from_owner(Owned(context.request_id))) {
            head.headers.insert(&NAME, value.clone());
            context.request_id_value = Some(value);
        }
        Verdict::Pass
    }

    fn dress(&self, answer: &mut AnswerHead, context: &Context) {
        // A request that was refused before it came here is named all the same.
        let value =
            context.request_id_value.clone().or_else(|| HeaderValue::from_bytes(context.request_id.as_bytes()).ok());
        if let Some(value) = value {
            answer.headers.insert(&NAME, value);
        }
    }

    fn needs(&self) -> Needs {
        Needs { dresses: true, ..Needs::default() }
    }
}
