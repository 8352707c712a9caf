//! The way of most tokens: those that are plain and whole in one part. What is not is left to the rest of the scanner, which finds what is
//! wrong with it, if anything is.

use super::{
    Fault, Sink, Word,
    keys::KeyHash,
    number::LONGEST,
    open::Kind,
    part::Part,
    scanner::{Scanner, State},
};

/// Whether a token was taken.
type Taken = Result<bool, Fault>;

impl<S: Sink> Scanner<S> {
    /// Takes tokens up to the first that is not plain.
    pub(super) fn swiftly(&mut self, part: &mut Part<'_>) -> Result<(), Fault> {
        // A copy of its own: where it is stays in registers.
        let mut here = *part;
        let ended = loop {
            let Some(byte) = here.sign() else { break Ok(()) };
            let taken = match self.state {
                State::FirstKey | State::Key => self.plain_member(&mut here),
                State::Value | State::FirstItem | State::Start => Ok(self.plain_value(byte, &mut here)),
                State::Colon | State::After => Ok(self.plain_sign(byte, &mut here)),
                State::Text | State::Number | State::Word(..) => Ok(false),
            };
            match taken {
                Ok(true) => {}
                Ok(false) => break Ok(()),
                Err(fault) => break Err(fault),
            }
        };
        *part = here;
        ended
    }

    /// A key, and what is plain of its value and of the comma behind that.
    #[inline(always)]
    fn plain_member(&mut self, here: &mut Part<'_>) -> Taken {
        if !self.plain_key(here)? {
            return Ok(false);
        }
        let value = here.sign().filter(|_| self.state == State::Value);
        if value.is_some_and(|byte| self.plain_value(byte, here)) && here.skip_if(b',') {
            self.state = State::Key;
        }
        Ok(true)
    }

    /// A key and its colon.
    #[inline(always)]
    fn plain_key(&mut self, here: &mut Part<'_>) -> Taken {
        let mut hash = KeyHash::new();
        let token = here.key(self.limits.characters, |word, length| hash.add(word, length));
        let Some(token) = token.filter(|_| self.open.count() < self.limits.keys) else { return Ok(false) };
        self.open.add();
        let hash = hash.value();
        self.sink.key(if S::TEXTS { token.of(here) } else { "" }, hash);
        here.take(token);
        self.open.named(hash)?;
        self.state = if here.skip_if(b':') { State::Value } else { State::Colon };
        Ok(true)
    }

    /// A value that is no array and no object.
    #[inline(always)]
    fn plain_value(&mut self, byte: u8, here: &mut Part<'_>) -> bool {
        let counts = self.open.kind() == Kind::Array;
        if counts && self.open.count() >= self.limits.items {
            return false;
        }
        let digits = usize::from(self.limits.digits).min(LONGEST);
        let token = match byte {
            b'"' => here.string(self.limits.characters),
            b'-' | b'0'..=b'9' => here.number(digits),
            b't' => here.word(Word::True.text()),
            b'f' => here.word(Word::False.text()),
            b'n' => here.word(Word::Null.text()),
            _ => None,
        };
        let Some(token) = token else { return false };
        match byte {
            b'"' => self.sink.text(if S::TEXTS { token.of(here) } else { "" }),
            b't' => self.sink.word(Word::True),
            b'f' => self.sink.word(Word::False),
            b'n' => self.sink.word(Word::Null),
            _ => self.sink.number(token.of(here)),
        }
        here.take(token);
        if counts {
            self.open.add();
        }
        self.state = State::After;
        true
    }

    /// A colon or a comma.
    #[inline(always)]
    fn plain_sign(&mut self, byte: u8, here: &mut Part<'_>) -> bool {
        self.state = match (byte, self.state, self.open.kind()) {
            (b':', State::Colon, _) | (b',', State::After, Kind::Array) => State::Value,
            (b',', State::After, Kind::Object) => State::Key,
            _ => return false,
        };
        here.skip();
        true
    }
}
