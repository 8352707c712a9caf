//! Types of files, told by how their content begins.

/// So many bytes at the front of a file decide which types it may have.
pub(super) const FRONT: usize = 64;

/// A type that is known here.
#[derive(Clone, Copy, Debug)]
pub struct FileType {
    /// As it is registered, such as `image/png`.
    pub name: &'static str,
    /// Other names for it that clients send.
    also: &'static [&'static str],
    sign: Sign,
}

/// The first bytes, and what stands at a place behind them, for families that begin alike.
type Start = (&'static [u8], Option<(usize, &'static [u8])>);

/// By what it is told.
#[derive(Clone, Copy, Debug)]
enum Sign {
    /// Begins in one of these ways.
    Begins(&'static [Start]),
    /// Boxes of ISO 14496-12, whose first names one of these brands.
    Brand(&'static [&'static [u8]]),
    /// UTF-8 from the first to the last byte, without the character U+0000, and none of the others.
    Text,
}

const fn known(name: &'static str, also: &'static [&'static str], sign: Sign) -> FileType {
    FileType { name, also, sign }
}

const ZIP: Sign = Sign::Begins(&[(b"PK\x03\x04", None), (b"PK\x05\x06", None)]);

/// All that can be listed.
pub static FILE_TYPES: [FileType; 29] = [
    known("image/png", &[], Sign::Begins(&[(b"\x89PNG\r\n\x1a\n", None)])),
    known("image/jpeg", &["image/jpg", "image/pjpeg"], Sign::Begins(&[(b"\xff\xd8\xff", None)])),
    known("image/gif", &[], Sign::Begins(&[(b"GIF87a", None), (b"GIF89a", None)])),
    known("image/webp", &[], Sign::Begins(&[(b"RIFF", Some((8, b"WEBP")))])),
    known("image/bmp", &["image/x-ms-bmp"], Sign::Begins(&[(b"BM", Some((6, b"\0\0\0\0")))])),
    known("image/tiff", &[], Sign::Begins(&[(b"II*\0", None), (b"MM\0*", None)])),
    known("image/vnd.microsoft.icon", &["image/x-icon"], Sign::Begins(&[(b"\0\0\x01\0", None)])),
    known("image/avif", &[], Sign::Brand(&[b"avif", b"avis"])),
    known("image/heic", &["image/heif"], Sign::Brand(&[b"heic", b"heix", b"hevc", b"heim", b"mif1"])),
    known("application/pdf", &["application/x-pdf"], Sign::Begins(&[(b"%PDF-", None)])),
    known("application/zip", &["application/x-zip-compressed"], ZIP),
    known("application/vnd.openxmlformats-officedocument.wordprocessingml.document", &[], ZIP),
    known("application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", &[], ZIP),
    known("application/vnd.openxmlformats-officedocument.presentationml.presentation", &[], ZIP),
    known("application/gzip", &["application/x-gzip"], Sign::Begins(&[(b"\x1f\x8b\x08", None)])),
    known("application/zstd", &[], Sign::Begins(&[(b"\x28\xb5\x2f\xfd", None)])),
    known("application/x-7z-compressed", &[], Sign::Begins(&[(b"7z\xbc\xaf\x27\x1c", None)])),
    known("application/vnd.rar", &["application/x-rar-compressed"], Sign::Begins(&[(b"Rar!\x1a\x07", None)])),
    known(
        "video/mp4",
        &[],
        Sign::Brand(&[b"isom", b"iso2", b"iso4", b"iso5", b"iso6", b"mp41", b"mp42", b"avc1", b"M4V "]),
    ),
    known("video/quicktime", &[], Sign::Brand(&[b"qt  "])),
    known("video/webm", &["audio/webm", "video/x-matroska"], Sign::Begins(&[(b"\x1a\x45\xdf\xa3", None)])),
    known("audio/mp4", &["audio/x-m4a"], Sign::Brand(&[b"M4A ", b"M4B ", b"isom", b"mp42"])),
    known(
        "audio/mpeg",
        &["audio/mp3"],
        Sign::Begins(&[(b"ID3", None), (b"\xff\xfb", None), (b"\xff\xf3", None), (b"\xff\xf2", None)]),
    ),
    known(
        "audio/wav",
        &["audio/x-wav", "audio/wave", "audio/vnd.wave"],
        Sign::Begins(&[(b"RIFF", Some((8, b"WAVE")))]),
    ),
    known("audio/ogg", &["video/ogg", "application/ogg"], Sign::Begins(&[(b"OggS", None)])),
    known("audio/flac", &["audio/x-flac"], Sign::Begins(&[(b"fLaC", None)])),
    known("text/plain", &[], Sign::Text),
    known("text/csv", &["application/csv"], Sign::Text),
    known("application/json", &[], Sign::Text),
];

impl FileType {
    /// The type of this name.
    #[must_use]
    pub fn named(name: &str) -> Option<&'static Self> {
        FILE_TYPES.iter().find(|kind| kind.is(name.as_bytes()))
    }

    /// Whether this is one of its names.
    pub(super) fn is(&self, name: &[u8]) -> bool {
        let mut names = std::iter::once(&self.name).chain(self.also);
        names.any(|known| known.as_bytes().eq_ignore_ascii_case(name))
    }

    /// Whether it is told by nothing but that it is text.
    pub(super) const fn text(&self) -> bool {
        matches!(self.sign, Sign::Text)
    }

    /// Whether a file that begins so may be of this type; for text, whether it is of no other.
    pub(super) fn begins(&self, front: &[u8]) -> bool {
        let at = |place: usize, expected: &[u8]| front.get(place..).is_some_and(|rest| rest.starts_with(expected));
        match self.sign {
            Sign::Begins(ways) => ways
                .iter()
                .any(|(start, then)| at(0, start) && then.is_none_or(|(place, expected)| at(place, expected))),
            Sign::Brand(brands) => at(4, b"ftyp") && brands.iter().any(|brand| at(8, brand)),
            Sign::Text => !FILE_TYPES.iter().any(|other| !other.text() && other.begins(front)),
        }
    }
}
