//! Target: the one spelling of a path.
//!
//! Input: a byte that says what becomes of encoded slashes, and the path.

use seawall_core::http::path::{PathFault, PathRule, PathRules, normalise};

/// Panics when something does not hold for the path.
pub fn check(input: &[u8]) {
    let Some((kind, path)) = input.split_first() else { return };
    // Nothing else is the path of a request (RFC 9112 section 3.2.1).
    let Some(path) = std::str::from_utf8(path).ok().filter(|path| path.starts_with('/')) else { return };
    one_spelling(path, if kind & 1 == 0 { PathRule::Refuse } else { PathRule::Pass });
}

/// A path that passes has one spelling, and a receiver that decodes it finds no surprise; one that is refused is refused for a
/// reason.
pub(crate) fn one_spelling(path: &str, encoded_slash: PathRule) {
    let rules = PathRules { encoded_slash };
    let (decoded, broken) = decode(path);
    match normalise(path, &rules) {
        Ok(normal) => {
            assert_eq!(normalise(&normal, &rules).as_deref(), Ok(&*normal), "{path:?} again");
            assert_eq!(
                decode(&normal),
                (decoded.clone(), false),
                "{path:?} became {normal:?}, which means something else"
            );
            assert!(shortest(&normal), "{path:?} became {normal:?}, which has another spelling");
            assert!(!decoded.iter().any(u8::is_ascii_control), "{path:?} holds a control character");
            assert!(!has_dot_segment(&decoded), "{path:?} became {normal:?}, in which some servers find a dot segment");
            assert!(encoded_slash == PathRule::Pass || !has_encoded_slash(&normal), "{path:?} became {normal:?}");
        }
        Err(PathFault::Encoding) => assert!(broken, "{path:?}"),
        Err(PathFault::Control) => assert!(decoded.iter().any(u8::is_ascii_control), "{path:?}"),
        Err(PathFault::Slash) => assert!(encoded_slash == PathRule::Refuse && has_encoded_slash(path), "{path:?}"),
        Err(PathFault::DotSegment) => assert!(has_dot_segment(&decoded), "{path:?}"),
    }
}

/// What a receiver that decodes everything once makes of the path, and whether an encoding in it is broken.
fn decode(path: &str) -> (Vec<u8>, bool) {
    let (mut bytes, mut broken) = (Vec::new(), false);
    let mut parts = path.split('%');
    bytes.extend(parts.next().unwrap_or_default().bytes());
    for part in parts {
        let digits = part.get(..2).filter(|digits| digits.bytes().all(|digit| digit.is_ascii_hexdigit()));
        if let Some(byte) = digits.and_then(|digits| u8::from_str_radix(digits, 16).ok()) {
            bytes.push(byte);
            bytes.extend(part[2..].bytes());
        } else {
            broken = true;
            bytes.push(b'%');
            bytes.extend(part.bytes());
        }
    }
    (bytes, broken)
}

/// Whether nothing is encoded that need not be, and what is has capital digits (RFC 3986 section 6.2.2).
fn shortest(path: &str) -> bool {
    path.split('%').skip(1).all(|part| {
        let byte = u8::from_str_radix(&part[..2], 16).expect("two digits");
        let unreserved = byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
        !unreserved && part[..2].bytes().all(|digit| !digit.is_ascii_lowercase())
    })
}

/// Whether a receiver that decodes before it splits, takes backslashes for slashes, and cuts off parameters finds `.` or `..`.
fn has_dot_segment(decoded: &[u8]) -> bool {
    let mut segments = decoded.split(|byte| b"/\\".contains(byte));
    segments.any(|segment| matches!(segment.split(|&byte| byte == b';').next(), Some(b"." | b"..")))
}

fn has_encoded_slash(path: &str) -> bool {
    let path = path.to_ascii_lowercase();
    ["%2f", "%5c", "\\"].iter().any(|slash| path.contains(slash))
}
