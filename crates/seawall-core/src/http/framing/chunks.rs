//! A body in chunks (RFC 9112 section 7.1).

use super::{
    Limits, LineEnds, Rule,
    body::Step,
    chunk_line,
    field::{self, Known},
    lines::{Lines, Reach},
    progress::Fault,
};

/// The longest size with its line end.
const SIZE_BYTES: usize = 16 + 2;

/// How far a body in chunks was followed.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Chunks {
    place: Place,
    lines: Lines,
    extension_bytes: usize,
    trailers: usize,
}

#[derive(Clone, Copy, Debug, Default)]
enum Place {
    #[default]
    Size,
    Data(u64),
    DataEnd,
    Trailers,
}

impl Chunks {
    /// Follows the body by one element: a size line, what has come of a chunk's data, its line end, or the trailers.
    pub(super) fn step(&mut self, held: &[u8], limits: &Limits) -> Result<Step, Fault> {
        match self.place {
            Place::Size => self.size(held, limits),
            Place::Data(left) => {
                let step = Step::content(held, left);
                self.place = match left.saturating_sub(step.content) {
                    0 => Place::DataEnd,
                    left => Place::Data(left),
                };
                Ok(step)
            }
            Place::DataEnd => self.data_end(held),
            Place::Trailers => self.trailers(held, limits),
        }
    }

    fn size(&mut self, held: &[u8], limits: &Limits) -> Result<Step, Fault> {
        let bytes = SIZE_BYTES + limits.chunk_extension_bytes.saturating_sub(self.extension_bytes);
        let reach = Reach { bytes, beyond: Rule::ChunkLineTooLong, ends: LineEnds::Strict };
        let fault = |rule| Fault { rule, at: 0 };
        let Some(line) = self.lines.next(held, reach).map_err(fault)? else { return Ok(Step::NONE) };
        let (size, extension_bytes) = chunk_line::check(line).map_err(fault)?;
        self.extension_bytes += extension_bytes;
        if self.extension_bytes > limits.chunk_extension_bytes {
            return Err(fault(Rule::ChunkLineTooLong));
        }
        self.place = if size == 0 { Place::Trailers } else { Place::Data(size) };
        Ok(Step::framing(std::mem::take(&mut self.lines).start()))
    }

    fn data_end(&mut self, held: &[u8]) -> Result<Step, Fault> {
        match held {
            [b'\r', b'\n', ..] => {
                self.place = Place::Size;
                Ok(Step::framing(2))
            }
            [] | [b'\r'] => Ok(Step::NONE),
            _ => Err(Fault { rule: Rule::MissingChunkEnd, at: 0 }),
        }
    }

    fn trailers(&mut self, held: &[u8], limits: &Limits) -> Result<Step, Fault> {
        let reach = Reach { bytes: limits.trailer_bytes, beyond: Rule::TrailersTooLarge, ends: LineEnds::Strict };
        loop {
            let at = self.lines.start();
            let fault = |rule| Fault { rule, at };
            match self.lines.next(held, reach).map_err(fault)? {
                None => return Ok(Step::NONE),
                Some([]) => return Ok(Step::end(std::mem::take(&mut self.lines).start())),
                Some(line) => {
                    self.trailers += 1;
                    if self.trailers > limits.fields {
                        return Err(fault(Rule::TooManyFields));
                    }
                    if let Some((Known::ContentLength | Known::TransferEncoding | Known::Host, _)) =
                        field::check(line).map_err(fault)?
                    {
                        return Err(fault(Rule::FramingFieldInTrailers));
                    }
                }
            }
        }
    }
}
