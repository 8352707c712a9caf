//! What the bodies of all calls hold at once, bounded.

use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use http_body::Body;
use http_body_util::BodyExt;
use seawall_core::problem::Problem;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::problem::{BAD_CALL, NO_ROOM, TOO_LARGE};

/// Memory is given out in pieces of this size, so that a count of them fits a semaphore.
const PIECE: usize = 1_024;

/// The memory for bodies of calls.
#[derive(Clone, Debug)]
pub(crate) struct Memory {
    pieces: Arc<Semaphore>,
    largest: usize,
}

/// A body, and the memory that it takes until this is dropped.
#[derive(Debug)]
pub(crate) struct Held {
    pub(crate) bytes: Bytes,
    _pieces: Option<OwnedSemaphorePermit>,
}

impl Memory {
    /// So many bytes for all, and for one body at most `largest`.
    pub(crate) fn new(bytes: usize, largest: usize) -> Self {
        let pieces = (bytes / PIECE).min(Semaphore::MAX_PERMITS);
        Self { pieces: Arc::new(Semaphore::new(pieces)), largest }
    }

    /// Reads a body into memory.
    pub(crate) async fn hold<B>(&self, body: B) -> Result<Held, Box<Problem>>
    where
        B: Body<Data = Bytes> + Unpin,
        B::Error: std::fmt::Display,
    {
        let mut body = body;
        let expected = usize::try_from(body.size_hint().lower()).unwrap_or(usize::MAX);
        if expected > self.largest {
            return Err(self.too_large().into());
        }
        let mut pieces = self.take(None, expected)?;
        let mut bytes = BytesMut::with_capacity(expected);
        while let Some(frame) = body.frame().await {
            let frame = frame.map_err(|error| Problem::new(&BAD_CALL).inside(error.to_string()).close())?;
            let Ok(data) = frame.into_data() else { continue };
            if bytes.len() + data.len() > self.largest {
                return Err(self.too_large().into());
            }
            pieces = self.take(pieces, bytes.len() + data.len())?;
            bytes.extend_from_slice(&data);
        }
        Ok(Held { bytes: bytes.freeze(), _pieces: pieces })
    }

    /// Counts a body that is here already.
    pub(crate) fn keep(&self, bytes: Bytes) -> Result<Held, Box<Problem>> {
        if bytes.len() > self.largest {
            return Err(self.too_large().into());
        }
        Ok(Held { _pieces: self.take(None, bytes.len())?, bytes })
    }

    fn too_large(&self) -> Problem {
        Problem::new(&TOO_LARGE).detail(format!("It may have {} bytes.", self.largest)).close()
    }

    /// Memory for so many bytes in all, beside what is there already.
    fn take(
        &self,
        held: Option<OwnedSemaphorePermit>,
        bytes: usize,
    ) -> Result<Option<OwnedSemaphorePermit>, Box<Problem>> {
        let wanted = u32::try_from(bytes.div_ceil(PIECE)).unwrap_or(u32::MAX);
        let there = held.as_ref().map_or(0, |held| u32::try_from(held.num_permits()).unwrap_or(u32::MAX));
        let Some(more) = wanted.checked_sub(there).filter(|&more| more > 0) else { return Ok(held) };
        let taken = Arc::clone(&self.pieces).try_acquire_many_owned(more);
        let taken = taken.map_err(|_| Problem::new(&NO_ROOM).retry_after(1).close())?;
        Ok(Some(match held {
            Some(mut held) => {
                held.merge(taken);
                held
            }
            None => taken,
        }))
    }
}

#[cfg(test)]
mod tests {
    use http_body_util::{Full, StreamBody};

    use super::*;

    #[tokio::test]
    async fn memory_is_taken_for_what_comes_and_given_back() {
        let memory = Memory::new(4 * PIECE, 3 * PIECE);
        let body = |length| Full::new(Bytes::from(vec![b'a'; length]));
        let one = memory.hold(body(2 * PIECE)).await.unwrap();
        assert_eq!(memory.hold(body(3 * PIECE)).await.unwrap_err().kind.slug, NO_ROOM.slug);
        assert_eq!(memory.hold(body(4 * PIECE)).await.unwrap_err().kind.slug, TOO_LARGE.slug);
        let here = |length| memory.keep(Bytes::from(vec![b'a'; length])).map(|held| held.bytes.len());
        assert_eq!(here(3 * PIECE).unwrap_err().kind.slug, NO_ROOM.slug);
        assert_eq!(here(4 * PIECE).unwrap_err().kind.slug, TOO_LARGE.slug);
        assert_eq!(here(2 * PIECE).unwrap(), 2 * PIECE);
        drop(one);
        assert_eq!(memory.hold(body(3 * PIECE)).await.unwrap().bytes.len(), 3 * PIECE);
        assert_eq!(memory.pieces.available_permits(), 4);
    }

    #[tokio::test]
    async fn a_body_of_unknown_length_is_counted_as_it_comes() {
        let memory = Memory::new(2 * PIECE, 10 * PIECE);
        let parts = |count| {
            let part = |_| Ok::<_, std::convert::Infallible>(http_body::Frame::data(Bytes::from(vec![b'a'; 600])));
            StreamBody::new(futures_util::stream::iter((0..count).map(part)))
        };
        assert_eq!(memory.hold(parts(3)).await.unwrap().bytes.len(), 1_800);
        assert_eq!(memory.hold(parts(4)).await.unwrap_err().kind.slug, NO_ROOM.slug);
        assert_eq!(memory.pieces.available_permits(), 2);
    }
}
