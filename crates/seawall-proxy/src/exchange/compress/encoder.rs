//! The three encoders behind one face. Levels and windows are chosen so that one slice takes less than half a millisecond and one
//! encoder about a megabyte; `docs/decisions/0011-what-is-compressed.md` has the measurements.

use std::{
    fmt,
    io::{self, Write},
};

use brotli::{CompressorWriter, enc::BrotliEncoderParams};
use bytes::Bytes;
use flate2::{Compression, write::GzEncoder};
use seawall_guards::compression::Coding;
use zstd::zstd_safe::CParameter;

const ZSTD_LEVEL: i32 = 3;
const BROTLI_QUALITY: i32 = 4;
const GZIP_LEVEL: u32 = 5;

/// Windows of 256 KiB, as a power of two.
const WINDOW_LOG: u32 = 18;

/// How much is compressed in one turn.
const ZSTD_SLICE: usize = 32 * 1024;
const BROTLI_SLICE: usize = 8 * 1024;
const GZIP_SLICE: usize = 16 * 1024;

/// An encoder that writes to memory.
pub(super) struct Encoder {
    writer: Writer,
    /// Bytes of the slice that is being filled.
    filled: usize,
}

enum Writer {
    Zstd(Box<zstd::Encoder<'static, Vec<u8>>>),
    Brotli(Box<CompressorWriter<Vec<u8>>>),
    Gzip(Box<GzEncoder<Vec<u8>>>),
}

impl fmt::Debug for Encoder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.writer {
            Writer::Zstd(_) => "Zstd",
            Writer::Brotli(_) => "Brotli",
            Writer::Gzip(_) => "Gzip",
        })
    }
}

impl Encoder {
    /// An encoder of this coding.
    pub(super) fn new(coding: Coding) -> io::Result<Self> {
        let writer = match coding {
            Coding::Zstd => {
                let mut encoder = zstd::Encoder::new(Vec::new(), ZSTD_LEVEL)?;
                encoder.set_parameter(CParameter::WindowLog(WINDOW_LOG))?;
                Writer::Zstd(Box::new(encoder))
            }
            Coding::Brotli => {
                let lgwin = WINDOW_LOG.cast_signed();
                let parameters =
                    BrotliEncoderParams { quality: BROTLI_QUALITY, lgwin, ..BrotliEncoderParams::default() };
                Writer::Brotli(Box::new(CompressorWriter::with_params(Vec::new(), BROTLI_SLICE, &parameters)))
            }
            Coding::Gzip => Writer::Gzip(Box::new(GzEncoder::new(Vec::new(), Compression::new(GZIP_LEVEL)))),
        };
        Ok(Self { writer, filled: 0 })
    }

    /// How much is compressed in one turn.
    pub(super) const fn slice(&self) -> usize {
        match self.writer {
            Writer::Zstd(_) => ZSTD_SLICE,
            Writer::Brotli(_) => BROTLI_SLICE,
            Writer::Gzip(_) => GZIP_SLICE,
        }
    }

    /// Takes the start of `input`, at most `most` bytes of it; gives how many it took, and what came of it and of those before.
    pub(super) fn compress(&mut self, input: &mut Bytes, most: usize) -> io::Result<(usize, Vec<u8>)> {
        let room = self.slice().saturating_sub(self.filled);
        let part = input.split_to(input.len().min(most).min(room));
        self.write().write_all(&part)?;
        self.filled += part.len();
        if self.filled == self.slice() {
            self.filled = 0;
            // Gzip works as it goes. The others gather 64 KiB and more and then work all at once, too long for one turn.
            if !matches!(self.writer, Writer::Gzip(_)) {
                self.write().flush()?;
            }
        }
        Ok((part.len(), self.output()))
    }

    /// Gives all that the encoder keeps back.
    pub(super) fn flush(&mut self) -> io::Result<Vec<u8>> {
        self.filled = 0;
        self.write().flush()?;
        Ok(self.output())
    }

    /// Ends the coding; gives the rest of it.
    pub(super) fn finish(self) -> io::Result<Vec<u8>> {
        match self.writer {
            Writer::Zstd(encoder) => encoder.finish(),
            Writer::Brotli(encoder) => Ok(encoder.into_inner()),
            Writer::Gzip(encoder) => encoder.finish(),
        }
    }

    fn write(&mut self) -> &mut dyn Write {
        match &mut self.writer {
            Writer::Zstd(encoder) => encoder,
            Writer::Brotli(encoder) => encoder,
            Writer::Gzip(encoder) => encoder,
        }
    }

    fn output(&mut self) -> Vec<u8> {
        std::mem::take(match &mut self.writer {
            Writer::Zstd(encoder) => encoder.get_mut(),
            Writer::Brotli(encoder) => encoder.get_mut(),
            Writer::Gzip(encoder) => encoder.get_mut(),
        })
    }
}

#[cfg(test)]
mod tests;
