//! Walks along the frames of one direction of an HTTP/2 connection, seeing only their heads (RFC 9113 section 4.1).

use smallvec::SmallVec;

/// A frame's length, kind, flags and stream.
const HEAD_BYTES: usize = 9;

/// What a client sends before its first frame (RFC 9113 section 3.4).
const PREFACE_BYTES: usize = 24;

/// `END_HEADERS`, of HEADERS and CONTINUATION.
const END_HEADERS: u8 = 0x4;

/// The kinds of frames that matter here (RFC 9113 section 6).
pub(super) mod kind {
    pub(in super::super) const DATA: u8 = 0;
    pub(in super::super) const HEADERS: u8 = 1;
    pub(in super::super) const RST_STREAM: u8 = 3;
    pub(in super::super) const GOAWAY: u8 = 7;
    pub(in super::super) const CONTINUATION: u8 = 9;
}

/// What is known of a frame when its head has passed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Frame {
    pub(super) kind: u8,
    pub(super) stream: u32,
    pub(super) length: usize,
    /// The error code of RST_STREAM and GOAWAY; 0 for all others.
    pub(super) code: u32,
}

/// One direction of a connection.
#[derive(Debug, Default)]
pub(super) struct Frames {
    /// The begin of the next frame, as far as it has come.
    begun: SmallVec<[u8; HEAD_BYTES + 8]>,
    /// Bytes that belong to no head.
    skip: usize,
    /// Header blocks that have begun.
    blocks: u32,
    block_open: bool,
    in_header_frame: bool,
}

impl Frames {
    /// What a client sends.
    pub(super) fn of_client() -> Self {
        Self { skip: PREFACE_BYTES, ..Self::default() }
    }

    /// Goes on over the next bytes.
    pub(super) fn walk(&mut self, mut bytes: &[u8], mut see: impl FnMut(Frame)) {
        while !bytes.is_empty() {
            let (skipped, rest) = bytes.split_at(self.skip.min(bytes.len()));
            self.skip -= skipped.len();
            let wanted = self.wanted() - self.begun.len();
            let (taken, rest) = rest.split_at(wanted.min(rest.len()));
            self.begun.extend_from_slice(taken);
            bytes = rest;
            if self.begun.len() >= HEAD_BYTES && self.begun.len() == self.wanted() {
                self.finish(&mut see);
            }
        }
    }

    /// Whether the next byte begins a frame.
    pub(super) fn at_boundary(&self) -> bool {
        self.skip == 0 && self.begun.is_empty()
    }

    /// The number of the header block that has begun and is not complete.
    pub(super) fn open_block(&self) -> Option<u32> {
        (self.block_open || (self.in_header_frame && self.skip > 0)).then_some(self.blocks)
    }

    /// How many bytes of the frame must be seen: its head, and an error code where it has one.
    fn wanted(&self) -> usize {
        let Some((length, head)) = self.head() else { return HEAD_BYTES };
        let more = match head {
            kind::RST_STREAM => 4,
            kind::GOAWAY => 8,
            _ => 0,
        };
        HEAD_BYTES + length.min(more)
    }

    /// The length and the kind, once they have come.
    fn head(&self) -> Option<(usize, u8)> {
        match *self.begun.as_slice() {
            [high, middle, low, kind, _, _, _, _, _, ..] => {
                Some((usize::from(high) << 16 | usize::from(middle) << 8 | usize::from(low), kind))
            }
            _ => None,
        }
    }

    fn finish(&mut self, see: &mut impl FnMut(Frame)) {
        let Some((length, kind)) = self.head() else { return };
        let number = |at: usize| {
            let bytes = self.begun.get(at..at + 4).and_then(|bytes| bytes.try_into().ok());
            bytes.map_or(0, u32::from_be_bytes)
        };
        let stream = number(5) & 0x7fff_ffff;
        let code = match kind {
            kind::RST_STREAM => number(HEAD_BYTES),
            kind::GOAWAY => number(HEAD_BYTES + 4),
            _ => 0,
        };
        let last = self.begun.get(4).is_some_and(|flags| flags & END_HEADERS != 0);
        self.in_header_frame = matches!(kind, kind::HEADERS | kind::CONTINUATION);
        if kind == kind::HEADERS {
            self.blocks = self.blocks.wrapping_add(1);
        }
        if self.in_header_frame {
            self.block_open = !last;
        }
        self.skip = length - (self.begun.len() - HEAD_BYTES);
        self.begun.clear();
        see(Frame { kind, stream, length, code });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
        let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
        [&length[1..], &[kind, flags], &stream.to_be_bytes(), payload].concat()
    }

    #[test]
    fn frames_are_seen_however_they_are_cut() {
        let bytes = [
            vec![b'x'; PREFACE_BYTES],
            frame(4, 0, 0, &[]),
            frame(kind::HEADERS, END_HEADERS, 1, &[7; 300]),
            frame(kind::RST_STREAM, 0, 1, &8_u32.to_be_bytes()),
            frame(kind::GOAWAY, 0, 0, &[0, 0, 0, 1, 0, 0, 0, 11, b'c', b'a', b'l', b'm']),
            frame(kind::DATA, 0, 3, &[1; 70_000]),
        ]
        .concat();
        let whole = |kind, stream, length, code| Frame { kind, stream, length, code };
        for size in [1, 2, 9, 10, 13, 100, bytes.len()] {
            let (mut frames, mut seen) = (Frames::of_client(), Vec::new());
            for piece in bytes.chunks(size) {
                frames.walk(piece, |frame| seen.push(frame));
            }
            let expected = [
                whole(4, 0, 0, 0),
                whole(1, 1, 300, 0),
                whole(3, 1, 4, 8),
                whole(7, 0, 12, 11),
                whole(0, 3, 70_000, 0),
            ];
            assert_eq!(seen, expected, "in pieces of {size}");
            assert!(frames.at_boundary());
        }
    }

    #[test]
    fn a_header_block_is_open_until_its_last_byte() {
        let mut frames = Frames::default();
        let mut walk = |bytes: &[u8]| {
            frames.walk(bytes, |_| {});
            (frames.open_block(), frames.at_boundary())
        };
        assert_eq!(walk(&frame(kind::HEADERS, 0, 1, b"ab")), (Some(1), true));
        assert_eq!(walk(&frame(kind::CONTINUATION, 0, 1, b"ab")), (Some(1), true));
        let last = frame(kind::CONTINUATION, END_HEADERS, 1, b"ab");
        assert_eq!(walk(&last[..10]), (Some(1), false));
        assert_eq!(walk(&last[10..]), (None, true));
        let next = frame(kind::HEADERS, END_HEADERS, 3, b"ab");
        assert_eq!(walk(&next[..4]), (None, false));
        assert_eq!(walk(&next[4..9]), (Some(2), false));
        assert_eq!(walk(&next[9..]), (None, true));
    }
}
