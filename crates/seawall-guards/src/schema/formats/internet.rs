//! Names and addresses of the internet, as their RFCs spell them; read once, front to back.

/// One `@` between a local part of at most 64 octets and a host (RFC 5321); no quoted local parts, no comments.
pub(super) fn email(text: &str) -> bool {
    let Some((local, host)) = text.rsplit_once('@') else { return false };
    local.len() <= 64 && atoms(local.as_bytes()) && (hostname(host) || unicode_host(host))
}

/// Atoms between single dots.
fn atoms(local: &[u8]) -> bool {
    let atom = |byte: u8| {
        byte.is_ascii_alphanumeric()
            || byte >= 128
            || matches!(byte, b'!' | b'#'..=b'\'' | b'*' | b'+' | b'-' | b'/' | b'=' | b'?' | b'^'..=b'`' | b'{'..=b'~')
    };
    let mut before = b'.';
    for &byte in local {
        if !(atom(byte) || byte == b'.' && before != b'.') {
            return false;
        }
        before = byte;
    }
    before != b'.'
}

fn unicode_host(text: &str) -> bool {
    !text.is_ascii()
        && text.len() <= 253
        && text.split('.').all(|label| {
            !label.is_empty() && label.chars().all(|c| c.is_alphanumeric() || c == '-') && !label.starts_with('-')
        })
}

/// RFC 1123.
pub(super) fn hostname(text: &str) -> bool {
    let ends = |length: usize, last: u8| (1..=63).contains(&length) && last != b'-';
    let (mut length, mut before) = (0, b'.');
    for byte in text.bytes() {
        match byte {
            b'.' if ends(length, before) => length = 0,
            b'-' if length > 0 => length += 1,
            byte if byte.is_ascii_alphanumeric() => length += 1,
            _ => return false,
        }
        before = byte;
    }
    text.len() <= 253 && ends(length, before)
}

/// RFC 9562, with its hyphens.
pub(super) fn uuid(text: &str) -> bool {
    let hyphen = |place: usize| matches!(place, 8 | 13 | 18 | 23);
    text.len() == 36
        && text.bytes().enumerate().all(
            |(place, byte)| {
                if hyphen(place) { byte == b'-' } else { byte.is_ascii_hexdigit() }
            },
        )
}

/// RFC 3986, with a scheme and something behind it.
pub(super) fn uri(text: &str) -> bool {
    let Some((scheme, rest)) = text.split_once(':') else { return false };
    let letter = scheme.bytes().next().is_some_and(|byte| byte.is_ascii_alphabetic());
    letter
        && scheme.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte))
        && !rest.is_empty()
        && reference(rest)
}

/// Only characters that a URI may hold, and whole percent-encodings.
pub(super) fn reference(text: &str) -> bool {
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        let sound = match byte {
            b'%' => (0..2).all(|_| bytes.next().is_some_and(|digit| digit.is_ascii_hexdigit())),
            byte => byte.is_ascii_alphanumeric() || b"-._~:/?#[]@!$&'()*+,;=".contains(&byte),
        };
        if !sound {
            return false;
        }
    }
    true
}

/// RFC 4648, padded.
pub(super) fn base64(text: &str) -> bool {
    let digits = text.trim_end_matches('=');
    text.len().is_multiple_of(4)
        && text.len() - digits.len() <= 2
        && digits.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(format: fn(&str) -> bool, good: &[&str], bad: &[&str]) {
        for text in good {
            assert!(format(text), "{text} has it");
        }
        for text in bad {
            assert!(!format(text), "{text} has it not");
        }
    }

    #[test]
    fn formats_take_what_their_rfcs_do() {
        check(
            email,
            &["a@b.c", "a.b+c@x-y.example", "ä@bücher.example"],
            &["a", "@b", "a@", "a..b@c", "a b@c", "a@-b"],
        );
        check(hostname, &["localhost", "a-b.example", "1.2"], &["", "-a", "a-", "a..b", "a_b", "a."]);
        check(uuid, &["123e4567-e89b-12d3-a456-426614174000"], &["", "123e4567e89b12d3a456426614174000", "g"]);
        check(uri, &["https://a.example/?q=%20", "mailto:a@b"], &["/a", "a", "1a:b", "a:", "a:b c", "a:%2"]);
        check(base64, &["", "YQ==", "YWI=", "YWJj"], &["YQ", "YQ=", "Y===", "Y Q="]);
    }
}
