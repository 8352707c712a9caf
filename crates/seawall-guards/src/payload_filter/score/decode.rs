//! Undoes one layer of every encoding that hides an attack from whoever looks at text.

/// The text with one layer undone: percent-encoding (also `%uXXXX` and overlong UTF-8), HTML character references, escapes of
/// JavaScript, full-width letters; without null bytes. Nothing when there was none. What is undone is shorter than what it was.
pub(super) fn undone(text: &[u8]) -> Option<Vec<u8>> {
    let first = text.iter().position(|byte| matches!(byte, b'%' | b'&' | b'\\' | 0 | 0xc0 | 0xc1 | 0xe2 | 0xef))?;
    let (_, mut rest) = text.split_at_checked(first)?;
    let mut out: Option<Vec<u8>> = None;
    let mut copied = 0;
    while let Some((&byte, after)) = rest.split_first() {
        match one(byte, rest) {
            Some((length, character)) => {
                let out = out.get_or_insert_with(|| Vec::with_capacity(text.len()));
                out.extend_from_slice(text.get(copied..text.len() - rest.len()).unwrap_or_default());
                push(out, character);
                rest = rest.get(length..).unwrap_or_default();
                copied = text.len() - rest.len();
            }
            None => rest = after,
        }
    }
    let mut out = out?;
    out.extend_from_slice(text.get(copied..).unwrap_or_default());
    Some(out)
}

/// What an encoded character stands for.
#[derive(Clone, Copy)]
enum Character {
    Byte(u8),
    Scalar(u32),
    Nothing,
}

fn push(out: &mut Vec<u8>, character: Character) {
    match character {
        Character::Byte(0) | Character::Scalar(0) | Character::Nothing => {}
        Character::Byte(byte) => out.push(byte),
        Character::Scalar(scalar) => {
            let character = char::from_u32(scalar).unwrap_or(char::REPLACEMENT_CHARACTER);
            out.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
        }
    }
}

/// The character that `rest` begins with, when it is encoded, and how many bytes that took.
fn one(byte: u8, rest: &[u8]) -> Option<(usize, Character)> {
    let at = |place: usize| rest.get(place).copied();
    match byte {
        0 => Some((1, Character::Nothing)),
        b'%' if matches!(at(1), Some(b'u' | b'U')) => Some((6, Character::Scalar(hex(rest.get(2..6)?)?))),
        b'%' => Some((3, Character::Byte(u8::try_from(hex(rest.get(1..3)?)?).ok()?))),
        b'\\' if at(1) == Some(b'x') => Some((4, Character::Byte(u8::try_from(hex(rest.get(2..4)?)?).ok()?))),
        b'\\' if at(1) == Some(b'u') && at(2) == Some(b'{') => {
            let digits = rest.get(3..).unwrap_or_default().iter().take(8).position(|&byte| byte == b'}')?;
            Some((digits + 4, Character::Scalar(hex(rest.get(3..3 + digits)?)?)))
        }
        b'\\' if at(1) == Some(b'u') => Some((6, Character::Scalar(hex(rest.get(2..6)?)?))),
        b'&' => reference(rest),
        // A byte of ASCII in two (RFC 3629 section 10).
        0xc0 | 0xc1 => Some((2, Character::Byte((byte & 1) << 6 | at(1).filter(|next| next & 0xc0 == 0x80)? & 0x3f))),
        // Characters that are not seen, and quotes and slashes that some databases and systems take for those of ASCII.
        0xe2 => match (at(1)?, at(2)?) {
            (0x80, 0x8b..=0x8d) => Some((3, Character::Nothing)),
            (0x88, 0x95) => Some((3, Character::Byte(b'/'))),
            _ => None,
        },
        0xef => match (at(1)?, at(2)?) {
            (0xbb, 0xbf) => Some((3, Character::Nothing)),
            (0xbc, low @ 0x81..=0xbf) => Some((3, Character::Byte(low - 0x80 + 0x20))),
            (0xbd, low @ 0x80..=0x9e) => Some((3, Character::Byte(low - 0x80 + 0x60))),
            _ => None,
        },
        _ => None,
    }
}

/// An HTML character reference: by number, or one of the names of what attacks are made of.
fn reference(rest: &[u8]) -> Option<(usize, Character)> {
    const NAMES: [(&[u8], u8); 21] = [
        (b"&lt", b'<'),
        (b"&gt", b'>'),
        (b"&quot", b'"'),
        (b"&amp", b'&'),
        (b"&apos", b'\''),
        (b"&lpar", b'('),
        (b"&rpar", b')'),
        (b"&sol", b'/'),
        (b"&bsol", b'\\'),
        (b"&colon", b':'),
        (b"&semi", b';'),
        (b"&equals", b'='),
        (b"&grave", b'`'),
        (b"&period", b'.'),
        (b"&dollar", b'$'),
        (b"&vert", b'|'),
        (b"&lcub", b'{'),
        (b"&rcub", b'}'),
        (b"&newline", b'\n'),
        (b"&tab", b'\t'),
        (b"&nbsp", b' '),
    ];
    if let Some(number) = rest.strip_prefix(b"&#") {
        let (prefix, digits, radix) = match number.split_first() {
            Some((b'x' | b'X', digits)) => (3, digits, 16),
            _ => (2, number, 10),
        };
        let length = digits.iter().take(8).take_while(|byte| char::from(**byte).is_digit(radix)).count();
        let scalar = u32::from_str_radix(std::str::from_utf8(digits.get(..length)?).ok()?, radix).ok()?;
        let ends = usize::from(digits.get(length) == Some(&b';'));
        return Some((prefix + length + ends, Character::Scalar(scalar)));
    }
    // By name it needs its semicolon: `&lt` stands in the query of many an address.
    let (name, byte) = NAMES.iter().find(|(name, _)| super::reader::begins(rest, name))?;
    (rest.get(name.len()) == Some(&b';')).then_some((name.len() + 1, Character::Byte(*byte)))
}

fn hex(digits: &[u8]) -> Option<u32> {
    if !digits.iter().all(u8::is_ascii_hexdigit) {
        return None;
    }
    u32::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_encoding_is_undone_one_layer_at_a_time() {
        for (encoded, plain) in [
            ("%3Cscript%3e", "<script>"),
            ("%253C", "%3C"),
            ("%u003cb", "<b"),
            ("&lt;a&#x3e;&#39;&#0000039", "<a>''"),
            ("\\x3ca\\u003e\\u{27}", "<a>'"),
            ("＜ｓｃｒｉｐｔ＞＇", "<script>'"),
            ("un\0ion%00", "union"),
            ("sel\u{200b}ect", "select"),
        ] {
            assert_eq!(undone(encoded.as_bytes()).as_deref(), Some(plain.as_bytes()), "{encoded}");
        }
        assert_eq!(undone(b"..\xc0\xaf").as_deref(), Some(&b"../"[..]));
        for plain in [
            "",
            "100 %",
            "a & b",
            "C:\\users",
            "?a=1&lt=2",
            "%zz",
            "été, “naïve”",
            "\u{feff}".trim_end_matches('\u{feff}'),
        ] {
            assert_eq!(undone(plain.as_bytes()), None, "{plain}");
        }
    }
}
