//! The way of most tokens: those that are plain and whole in one part. What is not is left to the rest of the scanner, which finds what is
//! wrong with it, if anything is.

use super::{
    Fault, Sink, Word,
    number::LONGEST,
    open::Kind,
    part::Part,
    scanner::{Scanner, State},
};

impl<S: Sink> Scanner<S> {
    /// Takes tokens up to the first that is not plain. By itself: what it has in registers is not put away for the rest of the scanner.
    #[inline(never)]
    pub(super) fn swiftly(&mut self, part: &mut Part<'_>) -> Result<(), Fault> {
        // Copies of its own: where it is stays in registers.
        let (mut here, mut state) = (*part, self.state);
        let ended = loop {
            let next = match state {
                State::FirstKey | State::Key => match self.plain_members(state, &mut here) {
                    Ok(next) => next,
                    Err(fault) => break Err(fault),
                },
                State::Colon if here.sign() == Some(b':') => {
                    here.skip();
                    Some(State::Value)
                }
                State::Value | State::FirstItem | State::Start => self.plain_value(&mut here),
                State::After => self.plain_end(&mut here),
                _ => None,
            };
            let Some(next) = next else { break Ok(()) };
            state = next;
        };
        (*part, self.state) = (here, state);
        ended
    }

    /// Keys with their values up to the first that is not plain, or that an array or object begins; what may come next when any of that
    /// was taken.
    #[inline(always)]
    fn plain_members(&mut self, first: State, here: &mut Part<'_>) -> Result<Option<State>, Fault> {
        let mut state = first;
        loop {
            if !self.plain_key(here)? {
                return Ok((state != first).then_some(state));
            }
            if here.sign() != Some(b':') {
                return Ok(Some(State::Colon));
            }
            here.skip();
            let Some(byte) = here.sign() else { return Ok(Some(State::Value)) };
            if self.plain_scalar(byte, here).is_none() {
                return Ok(Some(State::Value));
            }
            if here.sign() != Some(b',') {
                return Ok(Some(State::After));
            }
            here.skip();
            state = State::Key;
        }
    }

    /// A key; whether it was taken.
    #[inline(always)]
    fn plain_key(&mut self, here: &mut Part<'_>) -> Result<bool, Fault> {
        if here.sign() != Some(b'"') || self.open.count() >= self.limits.keys {
            return Ok(false);
        }
        let Some((token, hash)) = here.key(self.limits.characters) else { return Ok(false) };
        self.open.add();
        self.sink.key(token.of(here), hash);
        here.take(token);
        self.open.named(hash)?;
        Ok(true)
    }

    /// A value, or the begin of one; what may come next when it was taken.
    #[inline(always)]
    fn plain_value(&mut self, here: &mut Part<'_>) -> Option<State> {
        let byte = here.sign()?;
        let counts = self.open.kind() == Kind::Array;
        if counts && self.open.count() >= self.limits.items {
            return None;
        }
        let next = match byte {
            b'{' | b'[' if self.open.deepest(&self.limits) => return None,
            b'{' => return Some(self.plain_begin(Kind::Object, counts, here)),
            b'[' => return Some(self.plain_begin(Kind::Array, counts, here)),
            byte => self.plain_scalar(byte, here)?,
        };
        if counts {
            self.open.add();
        }
        Some(next)
    }

    /// A string, a number or a word.
    #[inline(always)]
    fn plain_scalar(&mut self, byte: u8, here: &mut Part<'_>) -> Option<State> {
        match byte {
            b'"' => {
                let token = here.string(self.limits.characters)?;
                self.sink.text(token.of(here));
                here.take(token);
            }
            b'-' | b'0'..=b'9' => {
                let token = here.number(usize::from(self.limits.digits).min(LONGEST))?;
                self.sink.number(token.of(here));
                here.take(token);
            }
            b't' => self.plain_word(Word::True, here)?,
            b'f' => self.plain_word(Word::False, here)?,
            b'n' => self.plain_word(Word::Null, here)?,
            _ => return None,
        }
        Some(State::After)
    }

    #[inline(always)]
    fn plain_word(&mut self, word: Word, here: &mut Part<'_>) -> Option<()> {
        let token = here.word(word.text())?;
        self.sink.word(word);
        here.take(token);
        Some(())
    }

    /// An array or object begins, and may count as an item itself.
    #[inline(always)]
    fn plain_begin(&mut self, kind: Kind, counts: bool, here: &mut Part<'_>) -> State {
        if counts {
            self.open.add();
        }
        self.begin(kind, here)
    }

    /// A comma, or the end of what the value stands in.
    #[inline(always)]
    fn plain_end(&mut self, here: &mut Part<'_>) -> Option<State> {
        match (here.sign()?, self.open.kind()) {
            (b',', Kind::Object) => {
                here.skip();
                Some(State::Key)
            }
            (b',', Kind::Array) => {
                here.skip();
                Some(State::Value)
            }
            (b'}', Kind::Object) | (b']', Kind::Array) => self.close(self.open.kind(), here).ok(),
            _ => None,
        }
    }
}
