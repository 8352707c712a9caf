//! The scanner: where in a document it is, and what may come next.

use super::{Discard, Fault, Limits, Refusal, Sink, Word, keys::Keys, number::Number, text::Text};

/// What may come next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// The document's value.
    Start,
    /// An item, or the end of its array.
    FirstItem,
    /// A value.
    Value,
    /// A key, or the end of its object.
    FirstKey,
    /// A key.
    Key,
    /// A colon.
    Colon,
    /// A comma, or the end of what the value stands in.
    After,
    /// The rest of a string, a number, or a word.
    Text,
    Number,
    Word(Word, &'static [u8]),
}

/// An array or object that has not ended.
#[derive(Clone, Copy, Debug)]
struct Frame {
    array: bool,
    /// Its items or keys.
    count: u32,
    /// Where its keys begin among all.
    keys: usize,
}

/// Reads a document in parts.
#[derive(Debug)]
pub struct Scanner<S = Discard> {
    limits: Limits,
    state: State,
    frames: Vec<Frame>,
    keys: Keys,
    text: Text,
    number: Number,
    /// Bytes of the parts before.
    before: u64,
    sink: S,
}

impl Scanner {
    /// A scanner that only checks.
    #[must_use]
    pub fn new(limits: Limits) -> Self {
        Self::telling(limits, Discard)
    }
}

impl<S: Sink> Scanner<S> {
    /// A scanner that tells what it reads.
    #[must_use]
    pub fn telling(limits: Limits, sink: S) -> Self {
        Self {
            limits,
            state: State::Start,
            frames: Vec::new(),
            keys: Keys::default(),
            text: Text::new(),
            number: Number::new(),
            before: 0,
            sink,
        }
    }

    /// Reads the next part. Nothing may be fed after a refusal.
    ///
    /// # Errors
    /// [`Refusal`]: the document is refused, whatever follows.
    pub fn feed(&mut self, part: &[u8]) -> Result<(), Refusal> {
        let mut rest = part;
        let read = self.read(&mut rest);
        self.before += (part.len() - rest.len()) as u64;
        read.map_err(|fault| Refusal { fault, at: self.before })
    }

    /// The document is over.
    ///
    /// # Errors
    /// [`Refusal`]: it is not whole.
    pub fn finish(mut self) -> Result<S, Refusal> {
        let ended = match self.state {
            State::Number if self.frames.is_empty() => self.end_number(),
            State::After if self.frames.is_empty() => Ok(()),
            State::Start => Err(Fault::Empty),
            _ => Err(Fault::Cut),
        };
        ended.map_err(|fault| Refusal { fault, at: self.before })?;
        Ok(self.sink)
    }

    /// What was told so far, also when the document was refused.
    pub fn into_sink(self) -> S {
        self.sink
    }

    fn read(&mut self, rest: &mut &[u8]) -> Result<(), Fault> {
        loop {
            match self.state {
                State::Text => {
                    let most = self.limits.characters;
                    let ended = if S::TEXTS {
                        self.text.take::<true>(rest, most)?
                    } else {
                        self.text.take::<false>(rest, most)?
                    };
                    if !ended {
                        return Ok(());
                    }
                    self.end_text()?;
                }
                State::Number => {
                    if !self.number.take(rest, self.limits.digits)? {
                        return Ok(());
                    }
                    self.end_number()?;
                }
                State::Word(word, expected) => {
                    let Some((&byte, after)) = rest.split_first() else { return Ok(()) };
                    let Some((_, expected)) = expected.split_first().filter(|(next, _)| **next == byte) else {
                        return Err(Fault::Unexpected);
                    };
                    *rest = after;
                    self.state = State::Word(word, expected);
                    if expected.is_empty() {
                        self.sink.word(word);
                        self.state = State::After;
                    }
                }
                _ => {
                    while let [b' ' | b'\n' | b'\r' | b'\t', after @ ..] = *rest {
                        *rest = after;
                    }
                    let Some((&byte, after)) = rest.split_first() else { return Ok(()) };
                    if self.sign(byte)? {
                        *rest = after;
                    }
                }
            }
        }
    }

    /// One character between values; whether it was taken, or begins what is read next.
    fn sign(&mut self, byte: u8) -> Result<bool, Fault> {
        match (self.state, byte) {
            (State::FirstKey | State::Key, b'"') => {
                self.count()?;
                self.begin_text(true);
            }
            (State::Colon, b':') => self.state = State::Value,
            (State::After, b',') => match self.frames.last() {
                Some(frame) => self.state = if frame.array { State::Value } else { State::Key },
                None => return Err(Fault::TrailingData),
            },
            (State::After | State::FirstItem, b']') => self.close(true)?,
            (State::After | State::FirstKey, b'}') => self.close(false)?,
            (State::After, _) if self.frames.is_empty() => return Err(Fault::TrailingData),
            (State::Start | State::Value | State::FirstItem, _) => return self.value(byte),
            (_, 0) => return Err(Fault::Null),
            _ => return Err(Fault::Unexpected),
        }
        Ok(true)
    }

    /// The first character of a value; whether it was taken.
    fn value(&mut self, byte: u8) -> Result<bool, Fault> {
        if self.frames.last().is_some_and(|frame| frame.array) {
            self.count()?;
        }
        match byte {
            b'"' => self.begin_text(false),
            b'{' => self.open(false)?,
            b'[' => self.open(true)?,
            b'-' | b'0'..=b'9' => {
                self.number.begin();
                self.state = State::Number;
                return Ok(false);
            }
            b't' | b'f' | b'n' => {
                let word = match byte {
                    b't' => Word::True,
                    b'f' => Word::False,
                    _ => Word::Null,
                };
                self.state = State::Word(word, word.text());
                return Ok(false);
            }
            b'N' | b'I' => return Err(Fault::NotANumber),
            0xef if self.state == State::Start => return Err(Fault::ByteOrderMark),
            0 => return Err(Fault::Null),
            _ => return Err(Fault::Unexpected),
        }
        Ok(true)
    }

    /// One more item or key of what is open.
    fn count(&mut self) -> Result<(), Fault> {
        let Some(frame) = self.frames.last_mut() else { return Ok(()) };
        frame.count += 1;
        match frame.array {
            true if frame.count > self.limits.items => Err(Fault::TooManyItems),
            false if frame.count > self.limits.keys => Err(Fault::TooManyKeys),
            _ => Ok(()),
        }
    }

    fn open(&mut self, array: bool) -> Result<(), Fault> {
        if self.frames.len() >= usize::from(self.limits.depth) {
            return Err(Fault::TooDeep);
        }
        self.frames.push(Frame { array, count: 0, keys: self.keys.begin() });
        self.sink.open(array);
        self.state = if array { State::FirstItem } else { State::FirstKey };
        Ok(())
    }

    fn close(&mut self, array: bool) -> Result<(), Fault> {
        match self.frames.pop() {
            Some(frame) if frame.array == array => {
                if !array {
                    self.keys.end(frame.keys);
                }
                self.sink.close();
                self.state = State::After;
                Ok(())
            }
            Some(_) => Err(Fault::Unexpected),
            None => Err(Fault::TrailingData),
        }
    }

    fn begin_text(&mut self, key: bool) {
        self.text.begin(key);
        self.state = State::Text;
    }

    fn end_text(&mut self) -> Result<(), Fault> {
        if !self.text.key() {
            self.sink.text(self.text.decoded());
            self.state = State::After;
            return Ok(());
        }
        self.sink.key(self.text.decoded());
        let begin = self.frames.last().map_or(0, |frame| frame.keys);
        if !self.keys.insert(begin, self.text.hash()) {
            return Err(Fault::DuplicateKey);
        }
        self.state = State::Colon;
        Ok(())
    }

    fn end_number(&mut self) -> Result<(), Fault> {
        self.sink.number(self.number.end()?);
        self.state = State::After;
        Ok(())
    }
}
