//! `multipart/form-data`: parts with a head each, between boundaries (RFC 7578, RFC 2046 section 5.1).

use std::sync::Arc;

use super::{
    Boundary, Fault, FileType, Limits, Refusal,
    content::Content,
    delimiter::{Delimiter, Found},
    name::{Name, Names},
    part::Head,
};

/// The most bytes of one part's head.
const HEAD_BYTES: usize = 8 * 1024;

/// What comes next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// The first boundary.
    Opening,
    /// The rest of a boundary's line: a line end, or two hyphens when it is the last.
    Line,
    LineFeed,
    Hyphen,
    /// The head of a part.
    Head,
    /// What a part holds.
    Content,
    /// A line end behind the last boundary, or nothing.
    End,
    EndLineFeed,
    Over,
}

/// Reads a form in parts.
#[derive(Debug)]
pub struct Multipart {
    limits: Limits,
    state: State,
    delimiter: Delimiter,
    head: Vec<u8>,
    content: Content,
    name: Name,
    names: Names,
    fields: u32,
    files: u32,
    /// Bytes of the parts before.
    before: u64,
}

impl Multipart {
    /// A reader at the start of a form; `types` are those that files may have, all when there are none.
    #[must_use]
    pub fn new(boundary: &Boundary, limits: Limits, types: Arc<[&'static FileType]>) -> Self {
        Self {
            limits,
            state: State::Opening,
            delimiter: Delimiter::new(*boundary),
            head: Vec::new(),
            content: Content::new(types),
            name: Name::new(&limits),
            names: Names::default(),
            fields: 0,
            files: 0,
            before: 0,
        }
    }

    /// Reads the next part of the form. Nothing may be fed after a refusal.
    ///
    /// # Errors
    /// [`Refusal`]: the form is refused, whatever follows.
    pub fn feed(&mut self, part: &[u8]) -> Result<(), Refusal> {
        let mut rest = part;
        let read = self.read(&mut rest);
        self.before += (part.len() - rest.len()) as u64;
        read.map_err(|fault| Refusal { fault, at: self.before })
    }

    /// The form is over.
    ///
    /// # Errors
    /// [`Refusal`]: it is not whole.
    pub fn finish(self) -> Result<(), Refusal> {
        match self.state {
            State::End | State::Over => Ok(()),
            State::EndLineFeed => Err(Refusal { fault: Fault::Epilogue, at: self.before }),
            _ => Err(Refusal { fault: Fault::Cut, at: self.before }),
        }
    }

    fn read(&mut self, rest: &mut &[u8]) -> Result<(), Fault> {
        while !rest.is_empty() {
            match self.state {
                State::Opening => {
                    if self.delimiter.open(rest)? {
                        self.state = State::Line;
                    }
                }
                State::Head => self.read_head(rest)?,
                State::Content => {
                    let content = &mut self.content;
                    if self.delimiter.content(rest, |bytes| content.take(bytes))? == Found::Boundary {
                        self.content.end()?;
                        self.state = State::Line;
                    }
                }
                _ => {
                    if let Some((&byte, after)) = rest.split_first() {
                        self.state = self.sign(byte)?;
                        *rest = after;
                    }
                }
            }
        }
        Ok(())
    }

    /// What comes after one byte behind a boundary.
    fn sign(&mut self, byte: u8) -> Result<State, Fault> {
        match (self.state, byte) {
            (State::Line, b'\r') => Ok(State::LineFeed),
            (State::Line, b'-') => Ok(State::Hyphen),
            (State::Hyphen, b'-') => Ok(State::End),
            (State::LineFeed, b'\n') => {
                self.head.clear();
                Ok(State::Head)
            }
            (State::End, b'\r') => Ok(State::EndLineFeed),
            (State::EndLineFeed, b'\n') => Ok(State::Over),
            (State::End | State::EndLineFeed | State::Over, _) => Err(Fault::Epilogue),
            _ => Err(Fault::BadDelimiter),
        }
    }

    /// Takes what belongs to a head from the front, line by line.
    fn read_head(&mut self, rest: &mut &[u8]) -> Result<(), Fault> {
        let room = HEAD_BYTES - self.head.len();
        let end = rest.iter().take(room).position(|byte| *byte == b'\n').map_or(rest.len().min(room), |at| at + 1);
        let (line, after) = rest.split_at_checked(end).unwrap_or((rest, &[]));
        self.head.extend_from_slice(line);
        *rest = after;
        if let Some(lines) = self.head.strip_suffix(b"\r\n\r\n") {
            // Whoever looks for boundaries first would find one here.
            if begins_line(lines, self.delimiter.line()) {
                return Err(Fault::BadDelimiter);
            }
            let head = Head::read(lines)?;
            begin(&head, &self.limits, &mut self.name, &mut self.names)?;
            if head.file_name.is_some() {
                self.files = one_more(self.files, self.limits.files, Fault::TooManyFiles)?;
                self.content.file(&head, &self.limits)?;
            } else {
                self.fields = one_more(self.fields, self.limits.fields, Fault::TooManyFields)?;
                self.content.field(&self.limits);
            }
            self.delimiter.begin();
            self.state = State::Content;
        } else if self.head == b"\r\n" {
            return Err(Fault::NoName);
        } else if self.head.len() >= HEAD_BYTES {
            return Err(Fault::LargeHead);
        }
        Ok(())
    }
}

/// Reads the name of a part.
fn begin(head: &Head<'_>, limits: &Limits, name: &mut Name, names: &mut Names) -> Result<(), Fault> {
    name.begin();
    for byte in head.name {
        name.push(*byte, limits)?;
    }
    name.end(limits, names)
}

/// Whether a line of a head, or what is before it, begins as a boundary's line does, which has a line end at its front.
fn begins_line(lines: &[u8], boundary: &[u8]) -> bool {
    let (_, hyphens) = boundary.split_at_checked(2).unwrap_or_default();
    lines.split(|byte| *byte == b'\n').any(|line| line.starts_with(hyphens))
}

const fn one_more(count: u32, most: u32, fault: Fault) -> Result<u32, Fault> {
    if count >= most { Err(fault) } else { Ok(count + 1) }
}
