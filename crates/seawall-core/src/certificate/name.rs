//! A distinguished name, read from DER and written as RFC 4514 says.

use std::fmt::Write;

/// The longest name that is told, in bytes of its text. One that was cut could be another's.
const LONGEST: usize = 1_024;

/// Types of attributes with a name of their own (RFC 4514 section 3, and `serialNumber` of RFC 4519), by their encoded identifiers.
const NAMED: [(&[u8], &str); 10] = [
    (&[0x55, 4, 3], "CN"),
    (&[0x55, 4, 5], "serialNumber"),
    (&[0x55, 4, 6], "C"),
    (&[0x55, 4, 7], "L"),
    (&[0x55, 4, 8], "ST"),
    (&[0x55, 4, 9], "STREET"),
    (&[0x55, 4, 10], "O"),
    (&[0x55, 4, 11], "OU"),
    (&[0x09, 0x92, 0x26, 0x89, 0x93, 0xf2, 0x2c, 0x64, 1, 1], "UID"),
    (&[0x09, 0x92, 0x26, 0x89, 0x93, 0xf2, 0x2c, 0x64, 1, 25], "DC"),
];

/// Tags of X.690.
const OBJECT_IDENTIFIER: u8 = 0x06;
const UTF8: u8 = 0x0c;
const NUMERIC: u8 = 0x12;
const PRINTABLE: u8 = 0x13;
const IA5: u8 = 0x16;
const VISIBLE: u8 = 0x1a;
const UNIVERSAL: u8 = 0x1c;
const BMP: u8 = 0x1e;
const SEQUENCE: u8 = 0x30;
const SET: u8 = 0x31;

/// The text of a name whose parts these bytes are, in printable ASCII: what else stands in it is escaped as hexadecimal digits.
/// Nothing when the bytes are not DER of a name, or the text would be longer than is told.
pub(super) fn text(name: &[u8]) -> Option<String> {
    // A text is never shorter than what it is of, but for the tags: an identifier, and three pairs of tag and length.
    if name.len() > LONGEST * 4 {
        return None;
    }
    let mut parts = Vec::new();
    let mut rest = name;
    while !rest.is_empty() {
        parts.push(element(&mut rest, SET)?);
    }
    let mut text = String::new();
    for mut attributes in parts.into_iter().rev() {
        let mut separator = if text.is_empty() { "" } else { "," };
        loop {
            text.push_str(separator);
            attribute(&mut text, element(&mut attributes, SEQUENCE)?)?;
            if text.len() > LONGEST {
                return None;
            }
            if attributes.is_empty() {
                break;
            }
            separator = "+";
        }
    }
    Some(text)
}

/// Appends one attribute, `TYPE=value`.
fn attribute(text: &mut String, mut attribute: &[u8]) -> Option<()> {
    let identifier = element(&mut attribute, OBJECT_IDENTIFIER)?;
    let value = attribute;
    let (tag, content) = next(&mut attribute)?;
    if !attribute.is_empty() {
        return None;
    }
    let named = NAMED.iter().find(|(known, _)| *known == identifier);
    match (named, characters(tag, content)?) {
        (Some((_, name)), Some(characters)) => {
            text.push_str(name);
            text.push('=');
            escape(text, &characters);
        }
        (named, _) => {
            match named {
                Some((_, name)) => text.push_str(name),
                None => dotted(text, identifier)?,
            }
            text.push_str("=#");
            for byte in value {
                // Writing to a string cannot fail.
                let _infallible = write!(text, "{byte:02X}");
            }
        }
    }
    Some(())
}

/// The characters of a value, when it is of a kind of text that is read in one way; nothing when it is no well-formed one.
fn characters(tag: u8, content: &[u8]) -> Option<Option<String>> {
    let wide = |character: u32| char::from_u32(character);
    let text = match tag {
        UTF8 => std::str::from_utf8(content).ok()?.to_owned(),
        NUMERIC | PRINTABLE | IA5 | VISIBLE => {
            std::str::from_utf8(content).ok().filter(|text| text.is_ascii())?.to_owned()
        }
        BMP => {
            let (pairs, []) = content.as_chunks() else { return None };
            pairs.iter().map(|pair| wide(u16::from_be_bytes(*pair).into())).collect::<Option<_>>()?
        }
        UNIVERSAL => {
            let (quads, []) = content.as_chunks() else { return None };
            quads.iter().map(|quad| wide(u32::from_be_bytes(*quad))).collect::<Option<_>>()?
        }
        _ => return Some(None),
    };
    Some(Some(text))
}

/// Appends a value, escaped (RFC 4514 section 2.4).
fn escape(text: &mut String, value: &str) {
    let last = value.chars().count().saturating_sub(1);
    for (place, character) in value.chars().enumerate() {
        match character {
            '"' | '+' | ',' | ';' | '<' | '>' | '\\' => text.extend(['\\', character]),
            ' ' if place == 0 || place == last => text.push_str("\\ "),
            '#' if place == 0 => text.push_str("\\#"),
            ' '..='~' => text.push(character),
            other => {
                for byte in other.encode_utf8(&mut [0; 4]).bytes() {
                    // Writing to a string cannot fail.
                    let _infallible = write!(text, "\\{byte:02X}");
                }
            }
        }
    }
}

/// Appends an identifier as numbers with dots between them.
fn dotted(text: &mut String, identifier: &[u8]) -> Option<()> {
    let (mut number, mut begins, mut first) = (0_u64, true, true);
    for &byte in identifier {
        // The shortest form has no leading zeros.
        if begins && byte == 0x80 {
            return None;
        }
        number = number.checked_mul(128)?.checked_add(u64::from(byte & 0x7f))?;
        begins = byte & 0x80 == 0;
        if !begins {
            continue;
        }
        let _infallible = if first {
            // The first two stand in one, and the first of all is at most 2.
            let root = (number / 40).min(2);
            write!(text, "{root}.{}", number - root * 40)
        } else {
            write!(text, ".{number}")
        };
        (number, first) = (0, false);
    }
    (begins && !first).then_some(())
}

/// Takes the next element, which has this tag; gives what it holds.
fn element<'a>(rest: &mut &'a [u8], tag: u8) -> Option<&'a [u8]> {
    next(rest).filter(|(found, _)| *found == tag).map(|(_, content)| content)
}

/// Takes the next element; gives its tag and what it holds. Lengths have their shortest form, as DER demands.
fn next<'a>(rest: &mut &'a [u8]) -> Option<(u8, &'a [u8])> {
    let (tag, length, content) = match *rest {
        [tag, length @ 0..=0x7f, content @ ..] | [tag, 0x81, length @ 0x80..=0xff, content @ ..] => {
            (*tag, usize::from(*length), content)
        }
        [tag, 0x82, high @ 1..=0xff, low, content @ ..] => {
            (*tag, usize::from(u16::from_be_bytes([*high, *low])), content)
        }
        _ => return None,
    };
    // Tags of more than one byte stand in no name.
    if tag & 0x1f == 0x1f {
        return None;
    }
    let (content, after) = content.split_at_checked(length)?;
    *rest = after;
    Some((tag, content))
}

#[cfg(test)]
mod tests;
