//! The head of a part: what it is called, whether it is a file, and what it is said to be.

use super::{
    Fault,
    characters::Characters,
    parameters::{Parameters, is_token_byte},
};

/// The most characters of a file name, as most file systems take them.
const FILE_NAME: u32 = 255;

/// What a head says.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Head<'a> {
    pub(super) name: &'a [u8],
    /// What the file is called; nothing when the part is a field.
    pub(super) file_name: Option<&'a [u8]>,
    /// The value of `Content-Type`, without parameters.
    pub(super) content_type: Option<&'a [u8]>,
}

impl<'a> Head<'a> {
    /// Reads the lines of a head, without the empty one at their end.
    pub(super) fn read(block: &'a [u8]) -> Result<Self, Fault> {
        let (mut disposition, mut content_type, mut encoding) = (None, None, None);
        let mut rest = Some(block);
        while let Some(block) = rest {
            let at = block.windows(2).position(|pair| pair == b"\r\n");
            let line = block.get(..at.unwrap_or(block.len())).unwrap_or_default();
            rest = at.and_then(|at| block.get(at + 2..));
            let (name, value) = field(line)?;
            let place = match name.len() {
                19 if name.eq_ignore_ascii_case(b"content-disposition") => &mut disposition,
                12 if name.eq_ignore_ascii_case(b"content-type") => &mut content_type,
                25 if name.eq_ignore_ascii_case(b"content-transfer-encoding") => &mut encoding,
                _ => continue,
            };
            if place.replace(value).is_some() {
                return Err(Fault::TwiceInHead);
            }
        }
        if encoding.is_some_and(encodes) {
            return Err(Fault::TransferEncoding);
        }
        let content_type = content_type.map(|value| Parameters::split(value).0);
        Ok(Self { content_type, ..Self::disposition(disposition.ok_or(Fault::NoName)?)? })
    }

    fn disposition(value: &'a [u8]) -> Result<Self, Fault> {
        let (kind, parameters) = Parameters::split(value);
        if !kind.eq_ignore_ascii_case(b"form-data") {
            return Err(Fault::NoName);
        }
        let (mut name, mut file_name) = (None, None);
        for parameter in parameters {
            let (key, value) = parameter?;
            if key.contains(&b'*') {
                return Err(Fault::EncodedParameter);
            }
            let place = match key.len() {
                4 if key.eq_ignore_ascii_case(b"name") => &mut name,
                8 if key.eq_ignore_ascii_case(b"filename") => &mut file_name,
                _ => continue,
            };
            if place.replace(value).is_some() {
                return Err(Fault::TwiceInHead);
            }
        }
        file_name.map_or(Ok(()), check_file_name)?;
        Ok(Self { name: name.ok_or(Fault::NoName)?, file_name, content_type: None })
    }
}

/// The name and the value of one line.
fn field(line: &[u8]) -> Result<(&[u8], &[u8]), Fault> {
    let at = line.iter().position(|byte| *byte == b':').ok_or(Fault::BadHead)?;
    let (name, value) = line.split_at_checked(at).unwrap_or_default();
    let control = |byte: &u8| byte.is_ascii_control() && *byte != b'\t';
    if name.is_empty() || !name.iter().all(|byte| is_token_byte(*byte)) || value.iter().any(control) {
        return Err(if value.contains(&0) { Fault::Null } else { Fault::BadHead });
    }
    Ok((name, value.strip_prefix(b":").unwrap_or_default().trim_ascii()))
}

/// Whether what the part holds is not as it stands there.
fn encodes(encoding: &[u8]) -> bool {
    !["7bit", "8bit", "binary"].iter().any(|plain| encoding.eq_ignore_ascii_case(plain.as_bytes()))
}

/// A file input into which nothing was put sends an empty name.
fn check_file_name(name: &[u8]) -> Result<(), Fault> {
    let mut characters = Characters::new(FILE_NAME);
    characters.take(name).and_then(|()| characters.end())?;
    let path = |byte: &u8| matches!(byte, b'/' | b'\\') || byte.is_ascii_control();
    // Some applications decode names, and browsers encode nothing but quotation marks and line ends.
    let encoded =
        |three: &[u8]| [&b"%00"[..], b"%2f", b"%5c"].iter().any(|encoded| three.eq_ignore_ascii_case(encoded));
    if name.iter().any(path) || name.windows(3).any(encoded) || matches!(name, b"." | b"..") {
        return Err(Fault::BadFileName);
    }
    Ok(())
}
