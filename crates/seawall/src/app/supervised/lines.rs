//! A stream of bytes divided into lines of bounded length.

/// The longest line that is kept, in bytes; what follows up to the line's end is cut off.
const LONGEST: usize = 16 * 1024;

/// What stands after a line that was cut.
const CUT: &str = "[cut]";

/// The line that has begun.
#[derive(Debug, Default)]
pub(super) struct Lines {
    begun: Vec<u8>,
    cut: bool,
}

impl Lines {
    /// The lines that these bytes end. Blank ones are left out; what is no UTF-8 is replaced.
    pub(super) fn feed(&mut self, bytes: &[u8]) -> Vec<String> {
        let mut lines = Vec::new();
        for part in bytes.split_inclusive(|&byte| byte == b'\n') {
            let content = part.strip_suffix(b"\n").unwrap_or(part);
            let room = LONGEST - self.begun.len();
            self.begun.extend_from_slice(content.get(..room).unwrap_or(content));
            self.cut |= content.len() > room;
            if content.len() < part.len() {
                lines.extend(self.rest());
            }
        }
        lines
    }

    /// The line that has begun, as if it ended here.
    pub(super) fn rest(&mut self) -> Option<String> {
        let mut line = String::from_utf8_lossy(&self.begun).trim_end().to_owned();
        if std::mem::take(&mut self.cut) {
            line.push_str(CUT);
        }
        self.begun.clear();
        (!line.is_empty()).then_some(line)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_whole_however_they_come() {
        let mut lines = Lines::default();
        assert_eq!(lines.feed(b"one\r\n\n  two\nthr"), ["one", "  two"]);
        assert_eq!(lines.feed(b"ee"), [""; 0]);
        assert_eq!(lines.feed(b"\n\xff\xfe\n"), ["three", "\u{fffd}\u{fffd}"]);
        lines.feed(b"last");
        assert_eq!((lines.rest(), lines.rest()), (Some("last".to_owned()), None));
    }

    #[test]
    fn a_line_without_end_takes_bounded_room_and_is_marked() {
        let mut lines = Lines::default();
        for _ in 0..100 {
            assert_eq!(lines.feed(&[b'x'; 1_000]), [""; 0]);
            assert!(lines.begun.len() <= LONGEST);
        }
        let ended = lines.feed(b"\nnext\n");
        assert_eq!((ended[0].len(), ended[0].ends_with("x[cut]")), (LONGEST + CUT.len(), true));
        assert_eq!(ended[1], "next");
    }
}
