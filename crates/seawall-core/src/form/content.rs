//! What one part holds: text that is checked as a field's, or a file.

use std::sync::Arc;

use super::{Fault, FileType, Limits, characters::Characters, file_type::FRONT, part::Head};

/// The content that is being read.
#[derive(Debug)]
pub(super) struct Content {
    /// The types of files that are taken; all when there are none.
    types: Arc<[&'static FileType]>,
    kind: Kind,
}

#[derive(Debug)]
enum Kind {
    Field(Characters),
    File(File),
}

/// A file of which some bytes were seen.
#[derive(Debug)]
struct File {
    bytes: u64,
    most: u64,
    /// Whether it was given a name: a file input into which nothing was put sends neither name nor content.
    named: bool,
    types: Types,
    /// Its first bytes.
    front: [u8; FRONT],
    /// Whether it is text so far.
    text: Option<Characters>,
}

/// What has to be found out about a file's type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Types {
    /// Nothing, or nothing more.
    Any,
    /// Whether it begins as one of those that are taken; of those, this one when it is said to be.
    Front(Option<&'static str>),
    /// Whether the rest of it is text too.
    Text,
}

impl Content {
    pub(super) const fn new(types: Arc<[&'static FileType]>) -> Self {
        Self { types, kind: Kind::Field(Characters::new(0)) }
    }

    /// A field begins.
    pub(super) const fn field(&mut self, limits: &Limits) {
        self.kind = Kind::Field(Characters::new(limits.characters));
    }

    /// A file begins.
    pub(super) fn file(&mut self, head: &Head<'_>, limits: &Limits) -> Result<(), Fault> {
        let types = if self.types.is_empty() { Types::Any } else { Types::Front(self.said(head.content_type)?) };
        self.kind = Kind::File(File {
            bytes: 0,
            most: limits.file_bytes,
            named: head.file_name.is_some_and(|name| !name.is_empty()),
            types,
            front: [0; FRONT],
            text: (types != Types::Any).then_some(Characters::new(u32::MAX)),
        });
        Ok(())
    }

    /// Which of the types a file is said to be; nothing when nothing is said of it.
    fn said(&self, content_type: Option<&[u8]>) -> Result<Option<&'static str>, Fault> {
        match content_type {
            None => Ok(None),
            Some(said) if said.eq_ignore_ascii_case(b"application/octet-stream") => Ok(None),
            Some(said) => {
                let named = self.types.iter().find(|known| known.is(said));
                named.map(|known| Some(known.name)).ok_or(Fault::FileType)
            }
        }
    }

    pub(super) fn take(&mut self, bytes: &[u8]) -> Result<(), Fault> {
        match &mut self.kind {
            Kind::Field(characters) => characters.take(bytes),
            Kind::File(file) => {
                // What is within the limit is looked at first, so that the same is found however the bytes arrive.
                let room = usize::try_from(file.most - file.bytes).unwrap_or(usize::MAX);
                let (within, beyond) = bytes.split_at_checked(room).unwrap_or((bytes, &[]));
                file.take(within, &self.types)?;
                if beyond.is_empty() { Ok(()) } else { Err(Fault::LargeFile) }
            }
        }
    }

    pub(super) fn end(&mut self) -> Result<(), Fault> {
        match &mut self.kind {
            Kind::Field(characters) => characters.end(),
            Kind::File(file) => file.end(&self.types),
        }
    }
}

impl File {
    fn take(&mut self, bytes: &[u8], types: &[&'static FileType]) -> Result<(), Fault> {
        if self.types != Types::Any {
            if let Some(text) = &mut self.text
                && text.take(bytes).is_err()
            {
                self.text = None;
            }
            let seen = usize::try_from(self.bytes).unwrap_or(FRONT).min(FRONT);
            let places = self.front.get_mut(seen..).unwrap_or_default();
            places.iter_mut().zip(bytes).for_each(|(place, byte)| *place = *byte);
        }
        self.bytes += bytes.len() as u64;
        if self.bytes >= FRONT as u64 { self.decide(types) } else { Ok(()) }
    }

    fn end(&mut self, types: &[&'static FileType]) -> Result<(), Fault> {
        if self.bytes == 0 && !self.named {
            return Ok(());
        }
        if self.text.is_some_and(|text| text.end().is_err()) {
            self.text = None;
        }
        self.decide(types)
    }

    /// Its front was seen, or all of it.
    fn decide(&mut self, types: &[&'static FileType]) -> Result<(), Fault> {
        if let Types::Front(said) = self.types {
            let seen = usize::try_from(self.bytes).unwrap_or(FRONT).min(FRONT);
            let front = self.front.get(..seen).unwrap_or_default();
            let mut fitting = types.iter().filter(|known| said.is_none_or(|said| said == known.name));
            self.types = match fitting.find(|known| known.begins(front)) {
                Some(known) if known.text() => Types::Text,
                Some(_) => Types::Any,
                None => return Err(Fault::FileType),
            };
        }
        if self.types == Types::Text && self.text.is_none() { Err(Fault::FileType) } else { Ok(()) }
    }
}
