//! The decision which bodies are read as JSON, and by which limits.

use http::{
    HeaderMap, HeaderValue, StatusCode,
    header::{ACCEPT_ENCODING, CONTENT_ENCODING, CONTENT_TYPE},
};
use seawall_core::{
    json::{Limits, Scanner},
    problem::{Fault, Problem, ProblemType, Severity},
    settings::{BadSetting, Values},
};

use super::{
    config::{CHARACTERS, DEPTH, ENCODED, Encoded, ITEMS, KEYS},
    grow::Growing,
    look::{Look, TreeLook},
};
use crate::{Context, Expected, Guard, Head, Inspect, Needs};

/// A JSON body that is not sound, or too large in some way.
pub static UNSOUND_JSON: ProblemType = ProblemType {
    slug: "unsound-json",
    code: "INVALID_JSON",
    status: StatusCode::BAD_REQUEST,
    title: "The request body is not JSON that is taken here",
    retryable: false,
    fault: Fault::Client,
    severity: Severity::Low,
    documentation: "The body says that it is JSON, and is not whole, not UTF-8, or could be read in two ways: a key stands twice in an object, a \
        string holds half of a surrogate pair or the character U+0000, a number is beyond 64-bit floating point, something follows the \
        value. Or it is larger than any client of this route should send: too deep, an array with too many items, an object with too \
        many keys, a string that is too long. The answer says which, and at which byte.\n\nFor the operator: the limits are `depth`, \
        `items`, `keys` and `characters` in `[json]`, and a route can have its own, such as `json.characters = 1000000` in \
        `[route.\"POST /import\"]`. Try them with `mode = \"report\"` first.",
};

/// A JSON body in a coding that is not undone here.
pub static ENCODED_BODY: ProblemType = ProblemType {
    slug: "encoded-body",
    code: "UNSUPPORTED_CONTENT_ENCODING",
    status: StatusCode::UNSUPPORTED_MEDIA_TYPE,
    title: "The request body is in an encoding that is not read here",
    retryable: false,
    fault: Fault::Client,
    severity: Severity::Low,
    documentation: "JSON and forms are looked at before the application gets them, and this body came in a `Content-Encoding` that is not undone here, or in a `charset` other than UTF-8. Send it \
        uncompressed, in UTF-8.\n\nFor the operator: `encoded = \"pass\"` in `[json]` or `[form]` lets such bodies through unseen, for the routes whose \
        application can take them.",
};

/// Refuses JSON that is unsound or too large.
#[derive(Debug)]
pub struct JsonGuard {
    limits: Limits,
    encoded: Encoded,
}

impl JsonGuard {
    /// Reads the settings.
    ///
    /// # Errors
    /// [`BadSetting`] when they are not checked settings of the section.
    pub fn read(values: &Values) -> Result<Self, BadSetting> {
        let number = |field| values.get(field).map(|number| u32::try_from(number).unwrap_or(u32::MAX));
        let limits = Limits {
            depth: u16::try_from(values.get(&DEPTH)?).unwrap_or(u16::MAX),
            items: number(&ITEMS)?,
            keys: number(&KEYS)?,
            characters: number(&CHARACTERS)?,
            ..Limits::CHECKLIST
        };
        Ok(Self { limits, encoded: values.get(&ENCODED)? })
    }
}

impl Guard for JsonGuard {
    fn inspect(
        &self,
        head: &mut Head,
        expected: &Expected,
        _context: &mut Context,
    ) -> Result<Option<Box<dyn Inspect>>, Box<Problem>> {
        if expected.empty() || !is_json(&head.headers) {
            return Ok(None);
        }
        if encoded(&head.headers) {
            return match self.encoded {
                Encoded::Pass => Ok(None),
                Encoded::Refuse => Err(refused_coding(&head.headers)),
            };
        }
        Ok(Some(if expected.tree {
            Box::new(TreeLook(Scanner::telling(self.limits, Growing::of_bytes(expected.length))))
        } else {
            Box::new(Look(Scanner::new(self.limits)))
        }))
    }

    fn needs(&self) -> Needs {
        Needs { inspects: true, ..Needs::default() }
    }
}

/// Whether a body is JSON by its `Content-Type`: `application/json`, `text/json`, what they were called before, or a type with the suffix
/// `+json` (RFC 6839). Of several fields any one is enough, since the application may read any one.
#[must_use]
pub fn is_json(headers: &HeaderMap) -> bool {
    headers.get_all(CONTENT_TYPE).iter().any(|value| {
        let kind = value.as_bytes().split(|byte| matches!(byte, b';' | b',')).next().unwrap_or_default().trim_ascii();
        let ends = |suffix: &[u8]| {
            let at = kind.len().checked_sub(suffix.len());
            at.and_then(|at| kind.get(at..)).is_some_and(|end| end.eq_ignore_ascii_case(suffix))
        };
        [&b"/json"[..], b"+json", b"/x-json", b"/jsonrequest"].into_iter().any(ends)
    })
}

/// The refusal of a body that is [`encoded`], which says which codings are taken (RFC 7694 section 3).
pub(crate) fn refused_coding(headers: &HeaderMap) -> Box<Problem> {
    let detail = if coded(headers) { "Send the body without `Content-Encoding`." } else { "Send the body in UTF-8." };
    let identity = HeaderValue::from_static("identity");
    Box::new(Problem::new(&ENCODED_BODY).detail(detail).header(ACCEPT_ENCODING, identity))
}

/// Whether the body is in a coding other than none, or in characters other than UTF-8: a reader who takes its `charset` would read another
/// text than the one that was looked at.
pub(crate) fn encoded(headers: &HeaderMap) -> bool {
    coded(headers) || headers.get_all(CONTENT_TYPE).iter().any(|value| in_other_characters(value.as_bytes()))
}

fn in_other_characters(content_type: &[u8]) -> bool {
    let pairs = content_type.split(|byte| matches!(byte, b';' | b',')).filter_map(|parameter| {
        let at = parameter.iter().position(|&byte| byte == b'=')?;
        let (name, value) = parameter.split_at_checked(at)?;
        Some((name.trim_ascii(), value.get(1..)?.trim_ascii()))
    });
    let mut charsets = pairs.filter(|(name, _)| name.eq_ignore_ascii_case(b"charset"));
    charsets.any(|(_, value)| {
        let bare = value.strip_prefix(b"\"").and_then(|value| value.strip_suffix(b"\"")).unwrap_or(value);
        !UTF_8.iter().any(|known| bare.eq_ignore_ascii_case(known))
    })
}

/// What UTF-8 is called, and what is part of it.
const UTF_8: [&[u8]; 3] = [b"utf-8", b"utf8", b"us-ascii"];

fn coded(headers: &HeaderMap) -> bool {
    let codings = headers.get_all(CONTENT_ENCODING).iter();
    let mut words = codings.flat_map(|value| value.as_bytes().split(|&byte| byte == b',')).map(<[u8]>::trim_ascii);
    words.any(|word| !word.is_empty() && !word.eq_ignore_ascii_case(b"identity"))
}
