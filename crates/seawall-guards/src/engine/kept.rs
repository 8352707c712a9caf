//! Parts of a body that are held while guards look at them.

use bytes::{Bytes, BytesMut};

/// Smaller parts are copied together: each would hold the memory that it was read into, which may be a hundred times as large.
const SMALL_BYTES: usize = 4 * 1024;

/// So many bytes of small parts are one.
const TOGETHER_BYTES: usize = 64 * 1024;

/// Parts of a body, in their order.
#[derive(Debug, Default)]
pub struct Kept {
    parts: Vec<Bytes>,
    small: BytesMut,
    bytes: usize,
}

impl Kept {
    /// Adds the next part.
    pub fn push(&mut self, part: Bytes) {
        self.bytes += part.len();
        // A body of one part is not copied, however small it is.
        if self.parts.is_empty() && self.small.is_empty() || part.len() >= SMALL_BYTES {
            self.gather();
            self.parts.push(part);
            return;
        }
        self.small.extend_from_slice(&part);
        if self.small.len() >= TOGETHER_BYTES {
            self.gather();
        }
    }

    /// Bytes held.
    #[must_use]
    pub const fn bytes(&self) -> usize {
        self.bytes
    }

    /// All of it.
    #[must_use]
    pub fn into_parts(mut self) -> Vec<Bytes> {
        self.gather();
        self.parts
    }

    fn gather(&mut self) {
        if !self.small.is_empty() {
            self.parts.push(self.small.split().freeze());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn small_parts_are_copied_together_and_large_ones_are_held_as_they_came() {
        let large = Bytes::from(vec![b'x'; SMALL_BYTES]);
        let mut kept = Kept::default();
        for part in ["first", "second", "third"].map(Bytes::from).into_iter().chain([large.clone(), "end".into()]) {
            kept.push(part);
        }
        assert_eq!(kept.bytes(), 5 + 6 + 5 + SMALL_BYTES + 3);
        let parts = kept.into_parts();
        assert_eq!(parts, ["first".into(), "secondthird".into(), large.clone(), Bytes::from("end")]);
        assert_eq!(parts.get(2).map(|part| part.as_ptr()), Some(large.as_ptr()));
    }

    #[test]
    fn a_body_byte_by_byte_is_held_in_few_parts() {
        let mut kept = Kept::default();
        for _ in 0..200_000 {
            kept.push(Bytes::from_static(b"x"));
        }
        let parts = kept.into_parts();
        assert_eq!(parts.iter().map(Bytes::len).sum::<usize>(), 200_000);
        assert!(parts.len() < 6, "{}", parts.len());
    }
}
