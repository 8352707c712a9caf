//! The scanner: where in a document it is, and what may come next.

use super::{
    Discard, Fault, Limits, Refusal, Sink, Word,
    number::Number,
    open::{Kind, Open},
    part::Part,
    text::Text,
};

/// What may come next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
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
    Word,
}

/// Reads a document in parts.
#[derive(Debug)]
pub struct Scanner<S = Discard> {
    pub(super) limits: Limits,
    pub(super) state: State,
    pub(super) open: Open,
    text: Text,
    number: Number,
    /// A word, and what of it has not arrived.
    word: (Word, &'static [u8]),
    /// Bytes of the parts before.
    before: u64,
    pub(super) sink: S,
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
            open: Open::new(),
            text: Text::new(),
            number: Number::new(),
            word: (Word::Null, &[]),
            before: 0,
            sink,
        }
    }

    /// Reads the next part. Nothing may be fed after a refusal.
    ///
    /// # Errors
    /// [`Refusal`]: the document is refused, whatever follows.
    pub fn feed(&mut self, part: &[u8]) -> Result<(), Refusal> {
        let mut part = if S::TEXTS { Part::with_texts(part) } else { Part::new(part) };
        if S::TEXTS {
            self.sink.part(part.whole_text());
        }
        let read = self.read(&mut part);
        self.before += part.taken() as u64;
        read.map_err(|fault| Refusal { fault, at: self.before })
    }

    /// The document is over.
    ///
    /// # Errors
    /// [`Refusal`]: it is not whole.
    pub fn finish(mut self) -> Result<S, Refusal> {
        let ended = match self.state {
            State::Number if self.open.kind() == Kind::Nothing => self.end_number(),
            State::After if self.open.kind() == Kind::Nothing => Ok(()),
            State::Start => Err(Fault::Empty),
            _ => Err(Fault::Cut),
        };
        ended.map_err(|fault| Refusal { fault, at: self.before })?;
        Ok(self.sink)
    }

    /// Bytes of memory that the keys of open objects take, beyond what most documents need.
    pub fn held_bytes(&self) -> usize {
        self.open.held_bytes()
    }

    /// Whoever is told.
    pub const fn sink(&self) -> &S {
        &self.sink
    }

    /// What was told so far, also when the document was refused.
    pub fn into_sink(self) -> S {
        self.sink
    }

    fn read(&mut self, part: &mut Part<'_>) -> Result<(), Fault> {
        loop {
            if matches!(self.state, State::Text | State::Number | State::Word) {
                if !self.go_on(part)? {
                    return Ok(());
                }
                continue;
            }
            self.swiftly(part)?;
            let Some(byte) = part.sign() else { return Ok(()) };
            match self.state {
                State::FirstKey | State::Key => self.key(byte, part)?,
                State::Colon if byte == b':' => {
                    part.skip();
                    self.state = State::Value;
                }
                State::Colon => return Err(misplaced(byte)),
                State::After => self.after(byte, part)?,
                _ => self.value(byte, part)?,
            }
        }
    }

    /// A key, or the end of an object that has none.
    fn key(&mut self, byte: u8, part: &mut Part<'_>) -> Result<(), Fault> {
        match byte {
            b'"' => {
                self.open.key(&self.limits)?;
                part.skip();
                self.begin_text(true);
                Ok(())
            }
            b'}' if self.state == State::FirstKey => {
                self.state = self.close(Kind::Object, part)?;
                Ok(())
            }
            _ => Err(misplaced(byte)),
        }
    }

    /// A value from its first character on; an array may end instead of having a first one.
    fn value(&mut self, byte: u8, part: &mut Part<'_>) -> Result<(), Fault> {
        if byte == b']' && self.state == State::FirstItem {
            self.state = self.close(Kind::Array, part)?;
            return Ok(());
        }
        self.open.value(&self.limits)?;
        match byte {
            b'"' => {
                part.skip();
                self.begin_text(false);
            }
            b'-' | b'0'..=b'9' => {
                self.number.begin();
                self.state = State::Number;
            }
            b't' => self.begin_word(Word::True),
            b'f' => self.begin_word(Word::False),
            b'n' => self.begin_word(Word::Null),
            b'{' | b'[' if self.open.deepest(&self.limits) => return Err(Fault::TooDeep),
            b'{' => self.state = self.begin(Kind::Object, part),
            b'[' => self.state = self.begin(Kind::Array, part),
            b'N' | b'I' => return Err(Fault::NotANumber),
            0xef if self.state == State::Start => return Err(Fault::ByteOrderMark),
            _ => return Err(misplaced(byte)),
        }
        Ok(())
    }

    /// What stands behind a value.
    fn after(&mut self, byte: u8, part: &mut Part<'_>) -> Result<(), Fault> {
        self.state = match (byte, self.open.kind()) {
            (_, Kind::Nothing) => return Err(Fault::TrailingData),
            (b',', Kind::Array) => State::Value,
            (b',', Kind::Object) => State::Key,
            (b']', _) => return self.close(Kind::Array, part).map(|next| self.state = next),
            (b'}', _) => return self.close(Kind::Object, part).map(|next| self.state = next),
            _ => return Err(misplaced(byte)),
        };
        part.skip();
        Ok(())
    }

    pub(super) fn begin(&mut self, kind: Kind, part: &mut Part<'_>) -> State {
        self.open.begin(kind);
        self.sink.open(kind == Kind::Array);
        part.skip();
        if kind == Kind::Array { State::FirstItem } else { State::FirstKey }
    }

    pub(super) fn close(&mut self, kind: Kind, part: &mut Part<'_>) -> Result<State, Fault> {
        self.open.end(kind)?;
        self.sink.close();
        part.skip();
        Ok(State::After)
    }

    fn begin_text(&mut self, key: bool) {
        self.text.begin(key);
        self.state = State::Text;
    }

    const fn begin_word(&mut self, word: Word) {
        self.word = (word, word.text());
        self.state = State::Word;
    }

    /// Takes more of a token that is not whole in one part, or not as plain as most; whether its end was found.
    fn go_on(&mut self, part: &mut Part<'_>) -> Result<bool, Fault> {
        match self.state {
            State::Text => {
                let most = self.limits.characters;
                let ended =
                    if S::TEXTS { self.text.take::<true>(part, most)? } else { self.text.take::<false>(part, most)? };
                if ended {
                    self.end_text()?;
                }
                Ok(ended)
            }
            State::Number => {
                let ended = self.number.take(part, self.limits.digits)?;
                if ended {
                    self.end_number()?;
                }
                Ok(ended)
            }
            _ => self.more_of_word(part),
        }
    }

    fn more_of_word(&mut self, part: &mut Part<'_>) -> Result<bool, Fault> {
        while let (word, [next, rest @ ..]) = self.word {
            match part.next() {
                None => return Ok(false),
                Some(byte) if byte == *next => part.skip(),
                Some(_) => return Err(Fault::Unexpected),
            }
            self.word = (word, rest);
            if rest.is_empty() {
                self.sink.word(word);
            }
        }
        self.state = State::After;
        Ok(true)
    }

    fn end_text(&mut self) -> Result<(), Fault> {
        if self.text.key() {
            let hash = self.text.hash();
            self.sink.key(self.text.decoded().into(), hash);
            self.open.named(hash)?;
            self.state = State::Colon;
        } else {
            self.sink.text(self.text.decoded().into());
            self.state = State::After;
        }
        Ok(())
    }

    fn end_number(&mut self) -> Result<(), Fault> {
        self.sink.number(self.number.end()?.into());
        self.state = State::After;
        Ok(())
    }
}

/// What cannot stand where it does.
const fn misplaced(byte: u8) -> Fault {
    if byte == 0 { Fault::Null } else { Fault::Unexpected }
}
