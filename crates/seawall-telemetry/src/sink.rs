//! Where log lines go: one writer, shared by all who log, that takes whole lines only.

use std::{
    fmt,
    io::{self, ErrorKind, Write},
    sync::{Arc, Mutex, PoisonError},
};

/// The end of both logs; cheap to clone. Lines of different writers never mix. The data plane never waits for it: only
/// the log's writer thread and the control plane write here.
#[derive(Clone)]
pub struct Sink(Arc<Mutex<Inner>>);

struct Inner {
    out: Box<dyn Write + Send>,
    /// Whether a failed write left half a line behind.
    torn: bool,
}

impl Sink {
    /// A sink that writes to `out`.
    #[must_use]
    pub fn new(out: Box<dyn Write + Send>) -> Self {
        Self(Arc::new(Mutex::new(Inner { out, torn: false })))
    }

    /// Writes `lines`, each with its line feed, and flushes.
    ///
    /// # Errors
    /// The writer's error; then some of the lines may have been written. The sink stays usable: the next write begins on
    /// a line of its own.
    pub fn write(&self, lines: &[u8]) -> io::Result<()> {
        let mut inner = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if inner.torn {
            inner.out.write_all(b"\n")?;
            inner.torn = false;
        }
        let mut rest = lines;
        while !rest.is_empty() {
            match inner.out.write(rest) {
                Ok(0) => return inner.fail(lines, rest, ErrorKind::WriteZero.into()),
                Ok(written) => rest = rest.get(written..).unwrap_or_default(),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return inner.fail(lines, rest, error),
            }
        }
        inner.out.flush()
    }
}

impl Inner {
    fn fail(&mut self, lines: &[u8], rest: &[u8], error: io::Error) -> io::Result<()> {
        let written = lines.get(..lines.len() - rest.len()).unwrap_or_default();
        self.torn = written.last().is_some_and(|&byte| byte != b'\n');
        Err(error)
    }
}

impl fmt::Debug for Sink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Sink")
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// A writer that keeps what it is given.
    #[derive(Clone, Default)]
    pub(crate) struct Kept(Arc<Mutex<Vec<u8>>>);

    impl Kept {
        pub(crate) fn sink(&self) -> Sink {
            Sink::new(Box::new(self.clone()))
        }

        pub(crate) fn text(&self) -> String {
            String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
        }
    }

    impl Write for Kept {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    /// Takes three bytes, then fails once, then takes everything.
    struct Hiccup {
        kept: Kept,
        calls: usize,
    }

    impl Write for Hiccup {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.calls += 1;
            match self.calls {
                1 => self.kept.write(&bytes[..3]),
                2 => Err(ErrorKind::BrokenPipe.into()),
                _ => self.kept.write(bytes),
            }
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_line_after_a_torn_one_stands_alone() {
        let kept = Kept::default();
        let sink = Sink::new(Box::new(Hiccup { kept: kept.clone(), calls: 0 }));
        assert_eq!(sink.write(b"first\n").unwrap_err().kind(), ErrorKind::BrokenPipe);
        sink.write(b"second\n").unwrap();
        assert_eq!(kept.text(), "fir\nsecond\n");
    }
}
