//! Bodies of answers: whole, or as they come.

use bytes::{Bytes, BytesMut};
use futures_util::{StreamExt, stream};
use http_body::Frame;
use http_body_util::{BodyExt, BodyStream, Full, StreamBody, combinators::UnsyncBoxBody};
use seawall_resilience::ReadError;

use crate::endpoint::AnswerBody;

/// Why the body of an answer ended before its end.
pub(crate) type BodyError = ReadError<hyper::Error>;

/// The body of an answer.
pub type Body = UnsyncBoxBody<Bytes, BodyError>;

/// What was read of a body.
pub(crate) enum Parts {
    /// All of it.
    Whole(Bytes),
    /// More than was wanted: its beginning, and the rest as it comes.
    Begun(Body),
}

/// A body that is here.
pub(crate) fn whole(bytes: Bytes) -> Body {
    Full::new(bytes).map_err(|never| match never {}).boxed_unsync()
}

/// A body as it comes.
pub(crate) fn streamed(body: AnswerBody) -> Body {
    body.boxed_unsync()
}

/// Reads a body as long as it has no more than `most` bytes.
pub(crate) async fn gathered(body: AnswerBody, most: usize) -> Result<Parts, BodyError> {
    let mut body = Box::pin(body);
    let mut bytes = BytesMut::new();
    while let Some(frame) = body.frame().await {
        // Trailers belong to the connection of whoever asked.
        if let Ok(data) = frame?.into_data() {
            bytes.extend_from_slice(&data);
        }
        if bytes.len() > most {
            let begun = stream::iter([Ok(Frame::data(bytes.freeze()))]);
            return Ok(Parts::Begun(StreamBody::new(begun.chain(BodyStream::new(body))).boxed_unsync()));
        }
    }
    Ok(Parts::Whole(bytes.freeze()))
}
