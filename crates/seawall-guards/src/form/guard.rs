//! Which bodies are looked at, and what is said of those that are refused.

use std::sync::Arc;

use http::{HeaderMap, HeaderValue, StatusCode, header::CONTENT_TYPE};
use seawall_core::{
    form::{Boundary, FileType, Limits, Multipart, Urlencoded},
    problem::{Fault, Problem, ProblemType, Severity},
    settings::{BadSetting, Values},
};

use super::{
    config::{CHARACTERS, DEPTH, DUPLICATES, ENCODED, FIELDS, FILES, MAX_FILE, TYPES},
    look::{MultipartLook, UrlencodedLook},
};
use crate::{
    Context, Expected, Guard, Head, Inspect, Needs,
    json::{Encoded, encoded, refused_coding},
};

/// A form that is not sound, or too large in some way.
pub static UNSOUND_FORM: ProblemType = ProblemType {
    slug: "unsound-form",
    code: "INVALID_FORM",
    status: StatusCode::BAD_REQUEST,
    title: "The request body is not a form that is taken here",
    retryable: false,
    fault: Fault::Client,
    severity: Severity::Low,
    documentation: "The body says that it is a form, and is not whole, or could be read in two ways: percent signs without two digits, text that \
        is not UTF-8, the character U+0000, something before the first boundary or behind the last, a part's head that says something twice, \
        a file name with a path in it. Or it is larger than any client of this route should send: too many fields or files, a name or value \
        that is too long, a name with too many brackets. The answer says which, and near which byte.\n\nFor the operator: the limits are \
        `fields`, `characters`, `depth`, `duplicates` and `files` in `[form]`, and a route can have its own, such as `form.fields = 1000` in \
        `[route.\"POST /survey\"]`. Try them with `mode = \"report\"` first.",
};

/// A file beyond the limit.
pub static FILE_TOO_LARGE: ProblemType = ProblemType {
    slug: "file-too-large",
    code: "FILE_TOO_LARGE",
    status: StatusCode::PAYLOAD_TOO_LARGE,
    title: "A file in the form is too large",
    retryable: false,
    fault: Fault::Client,
    severity: Severity::Low,
    documentation: "A file in the form is larger than this route accepts. Send a smaller one.\n\nFor the operator: the limit is `max_file` in \
        `[form]`; a route that takes uploads can have its own, such as `form.max_file = \"50 MB\"` in `[route.\"POST /videos\"]`, beside \
        `body.max`, which bounds the whole form.",
};

/// A file of another type.
pub static FILE_TYPE_REFUSED: ProblemType = ProblemType {
    slug: "file-type-refused",
    code: "UNSUPPORTED_FILE_TYPE",
    status: StatusCode::UNSUPPORTED_MEDIA_TYPE,
    title: "A file in the form is of a type that is not taken here",
    retryable: false,
    fault: Fault::Client,
    severity: Severity::Low,
    documentation: "A file in the form does not begin as files of the types do that this route takes, or is said to be of another type than it \
        is. Send a file of one of these types, and with its own.\n\nFor the operator: the types are `types` in `[form]`, or `form.types` of a \
        route; an empty list takes all.",
};

/// Refuses forms that are unsound or too large.
#[derive(Debug)]
pub struct FormGuard {
    limits: Limits,
    types: Arc<[&'static FileType]>,
    encoded: Encoded,
}

/// The kinds of forms.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Urlencoded,
    Multipart,
}

impl FormGuard {
    /// Reads the settings.
    ///
    /// # Errors
    /// [`BadSetting`] when they are not checked settings of the section.
    pub fn read(values: &Values) -> Result<Self, BadSetting> {
        let number = |field| values.get(field).map(|number| u32::try_from(number).unwrap_or(u32::MAX));
        let limits = Limits {
            fields: number(&FIELDS)?,
            files: number(&FILES)?,
            characters: number(&CHARACTERS)?,
            depth: u16::try_from(values.get(&DEPTH)?).unwrap_or(u16::MAX),
            file_bytes: values.get(&MAX_FILE)?.bytes(),
            duplicates: values.get(&DUPLICATES)?.0,
        };
        let types = values.get(&TYPES)?.into_iter().map(|listed| listed.0).collect();
        Ok(Self { limits, types, encoded: values.get(&ENCODED)? })
    }
}

impl Guard for FormGuard {
    fn inspect(
        &self,
        head: &mut Head,
        expected: &Expected,
        _context: &mut Context,
    ) -> Result<Option<Box<dyn Inspect>>, Box<Problem>> {
        if expected.empty() {
            return Ok(None);
        }
        let Some((kind, content_type)) = form(&head.headers) else { return Ok(None) };
        if encoded(&head.headers) {
            return match self.encoded {
                Encoded::Pass => Ok(None),
                Encoded::Refuse => Err(refused_coding(&head.headers)),
            };
        }
        let content_type = content_type.ok_or_else(|| unsound("its `Content-Type` is sent twice"))?;
        Ok(Some(match kind {
            Kind::Urlencoded => Box::new(UrlencodedLook(Urlencoded::new(self.limits))),
            Kind::Multipart => {
                let boundary = Boundary::of(content_type);
                let boundary =
                    boundary.ok_or_else(|| unsound("its `Content-Type` has no `boundary`, or no sound one"))?;
                Box::new(MultipartLook(Multipart::new(&boundary, self.limits, Arc::clone(&self.types))))
            }
        }))
    }

    fn needs(&self) -> Needs {
        Needs { inspects: true, ..Needs::default() }
    }
}

/// Whether a body is a form by its `Content-Type`, and that value when it is the only one. Of several fields any one is enough, since the
/// application may read any one.
pub(super) fn form(headers: &HeaderMap) -> Option<(Kind, Option<&[u8]>)> {
    let mut values = headers.get_all(CONTENT_TYPE).iter().map(HeaderValue::as_bytes);
    let first = values.next()?;
    match values.next() {
        None => kind(first).map(|kind| (kind, Some(first))),
        Some(second) => {
            let found = [first, second].into_iter().chain(values).find_map(kind)?;
            Some((found, None))
        }
    }
}

fn kind(content_type: &[u8]) -> Option<Kind> {
    let end = |byte: &u8| matches!(byte, b';' | b',');
    let essence = content_type.split(end).next().unwrap_or_default().trim_ascii();
    match essence.len() {
        33 if essence.eq_ignore_ascii_case(b"application/x-www-form-urlencoded") => Some(Kind::Urlencoded),
        19 if essence.eq_ignore_ascii_case(b"multipart/form-data") => Some(Kind::Multipart),
        _ => None,
    }
}

fn unsound(why: &str) -> Box<Problem> {
    Box::new(Problem::new(&UNSOUND_FORM).detail(format!("The form is refused: {why}.")))
}
