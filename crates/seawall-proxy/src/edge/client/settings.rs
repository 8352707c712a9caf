//! What a server says of its connection, read from its frames before h2 sees them: how many streams it allows, and how
//! much of each it takes unasked (SETTINGS), and that it leaves (GOAWAY). hyper keeps it to itself.

/// A frame's length, kind, flags and stream (RFC 9113 section 4.1).
const HEAD_BYTES: usize = 9;

/// An identifier and a value (RFC 9113 section 6.5.1).
const ENTRY_BYTES: usize = 6;

/// Kinds of frames (RFC 9113 section 6).
const SETTINGS: u8 = 4;
const GOAWAY: u8 = 7;

/// The flag of a SETTINGS frame that only confirms.
const ACK: u8 = 1;

/// `SETTINGS_MAX_CONCURRENT_STREAMS` and `SETTINGS_INITIAL_WINDOW_SIZE` (RFC 9113 section 6.5.2).
const MAX_CONCURRENT_STREAMS: u16 = 3;
const INITIAL_WINDOW_SIZE: u16 = 4;

/// What was said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Said {
    /// So many streams may be open at once.
    MaxStreams(u32),
    /// So many bytes of a stream are taken unasked.
    StreamWindow(u32),
    /// A SETTINGS frame is over.
    Settled,
    /// The connection takes no further streams.
    Leaves,
}

/// Walks along the frames of a server.
#[derive(Debug, Default)]
pub(super) struct Settings {
    /// The begin of a frame's head, or of an entry, as far as it has come.
    begun: [u8; HEAD_BYTES],
    length: usize,
    /// Bytes of entries still to come.
    entries: usize,
    /// Bytes that do not matter.
    skip: usize,
}

impl Settings {
    /// Goes on over the next bytes.
    pub(super) fn walk(&mut self, mut bytes: &[u8], mut hear: impl FnMut(Said)) {
        while !bytes.is_empty() {
            let skipped = self.skip.min(bytes.len());
            self.skip -= skipped;
            bytes = bytes.get(skipped..).unwrap_or_default();
            let wanted = if self.entries > 0 { ENTRY_BYTES } else { HEAD_BYTES };
            let taken = (wanted - self.length).min(bytes.len());
            let (now, rest) = bytes.split_at(taken);
            if let Some(room) = self.begun.get_mut(self.length..self.length + taken) {
                room.copy_from_slice(now);
            }
            self.length += taken;
            bytes = rest;
            if self.length == wanted {
                self.length = 0;
                if self.entries > 0 { self.entry(&mut hear) } else { self.head(&mut hear) }
            }
        }
    }

    fn head(&mut self, hear: &mut impl FnMut(Said)) {
        let [high, middle, low, kind, flags, ..] = self.begun;
        let length = usize::from(high) << 16 | usize::from(middle) << 8 | usize::from(low);
        self.skip = length;
        match kind {
            // One of another length is a mistake, at which h2 ends the connection.
            SETTINGS if flags & ACK == 0 && length % ENTRY_BYTES == 0 => {
                (self.skip, self.entries) = (0, length);
                if length == 0 {
                    hear(Said::Settled);
                }
            }
            GOAWAY => hear(Said::Leaves),
            _ => {}
        }
    }

    fn entry(&mut self, hear: &mut impl FnMut(Said)) {
        let [high, low, a, b, c, d, ..] = self.begun;
        let value = u32::from_be_bytes([a, b, c, d]);
        match u16::from_be_bytes([high, low]) {
            MAX_CONCURRENT_STREAMS => hear(Said::MaxStreams(value)),
            INITIAL_WINDOW_SIZE => hear(Said::StreamWindow(value)),
            _ => {}
        }
        self.entries -= ENTRY_BYTES;
        if self.entries == 0 {
            hear(Said::Settled);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(kind: u8, flags: u8, payload: &[u8]) -> Vec<u8> {
        let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
        [&length[1..], &[kind, flags, 0, 0, 0, 0], payload].concat()
    }

    #[test]
    fn what_a_server_says_is_heard_however_its_bytes_are_cut() {
        let bytes = [
            frame(SETTINGS, 0, &[0, 1, 0, 0, 16, 0, 0, 3, 0, 0, 0, 7, 0, 4, 0, 0, 255, 255]),
            frame(SETTINGS, ACK, &[]),
            frame(0, 1, &[SETTINGS; 40_000]),
            frame(SETTINGS, 0, &[]),
            frame(0xfa, 0, b"nobody knows"),
            frame(SETTINGS, 0, &[0, 3, 0, 0, 1, 0]),
            frame(GOAWAY, 0, &[0; 8]),
        ]
        .concat();
        let expected = [
            Said::MaxStreams(7),
            Said::StreamWindow(65_535),
            Said::Settled,
            Said::Settled,
            Said::MaxStreams(256),
            Said::Settled,
            Said::Leaves,
        ];
        for size in [1, 2, 6, 9, 10, 15, 100, bytes.len()] {
            let (mut settings, mut heard) = (Settings::default(), Vec::new());
            for piece in bytes.chunks(size) {
                settings.walk(piece, |said| heard.push(said));
            }
            assert_eq!(heard, expected, "in pieces of {size}");
        }
    }
}
