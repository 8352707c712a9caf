//! The decision on a request's head, and who looks at its body, by the application's document.

use std::sync::Arc;

use http::{
    HeaderMap, HeaderValue, Method, StatusCode, Uri,
    header::{ALLOW, CONTENT_TYPE},
    uri::PathAndQuery,
};
use seawall_core::{
    json::{Limits, Scanner},
    meter::Meter,
    problem::{Fault, Problem, ProblemType, Severity},
};

use super::{
    Captured, Described, Document, Drift, Operation, Parts, Promised, Takes, Undocumented, UnknownFields,
    drift::Answers,
    faulty,
    look::{Aside, Expectation, FormLook, JsonLook, NoBodyLook},
    media::essence,
};
use crate::{
    AnswerHead, Context, Expected, Follow, Guard, Head, Inspect, Needs, Verdict,
    json::{Encoded, Growing, encoded, is_json},
};

/// The request is not what the document says.
pub static VALIDATION_FAILED: ProblemType = ProblemType {
    slug: "validation-failed",
    code: "VALIDATION_ERROR",
    status: StatusCode::BAD_REQUEST,
    title: "The request is not as this API describes it",
    retryable: false,
    fault: Fault::Client,
    severity: Severity::Low,
    documentation: "Some fields of the request are missing, unknown, or of another form than this API's document says. `errors` names \
        each with the rule it breaks and what is expected; change those and send it again. With 404, the document has nothing at all for \
        this path, and with 405 other methods, which `Allow` names; with 415, the body is of a media type or in a content coding that is not taken there.\n\nFor the operator: \
        the document is `document` in `[schema]`, and a route's own is `schema.body`. When it is the document that is wrong, \
        `mode = \"report\"` there lets requests through and counts them, and `unknown_fields` and `undocumented` say how strict it is; a \
        route can differ, such as `[route.\"/search\"]` with `schema.unknown_fields = \"allow\"`.",
};

/// What a body is read with where the guard of JSON's shape does not enforce: as deep as documents may be.
const OWN_LIMITS: Limits =
    Limits { depth: 128, items: u32::MAX, keys: u32::MAX, characters: u32::MAX, ..Limits::CHECKLIST };

/// Refuses requests that a document does not describe so.
#[derive(Debug)]
pub struct SchemaGuard {
    document: Option<Arc<Document>>,
    /// What a schema of the route's own says of bodies.
    body: Option<OwnBody>,
    unknown: UnknownFields,
    undocumented: Undocumented,
    reading: Reading,
    /// Compares the application's answers with the document.
    answers: Option<Answers>,
}

/// A schema of the route's own.
#[derive(Debug)]
struct OwnBody {
    required: Arc<Operation>,
    /// The same for methods that mostly have no body. One that is there has to fit: applications may read it.
    optional: Arc<Operation>,
}

/// The methods whose requests mostly have no body (RFC 9110 section 9.3).
const MOSTLY_WITHOUT_BODY: [Method; 4] = [Method::GET, Method::HEAD, Method::OPTIONS, Method::DELETE];

/// How bodies are read.
#[derive(Clone, Copy, Debug)]
pub struct Reading {
    /// Whether the guard of JSON's shape reads them before, and refuses what it does not read.
    pub read_before: bool,
    /// What happens to bodies in a content coding.
    pub encoded: Encoded,
    /// Where large ones are compared; nothing for at once.
    pub aside: Option<Aside>,
}

impl Default for Reading {
    fn default() -> Self {
        Self { read_before: false, encoded: Encoded::Refuse, aside: None }
    }
}

impl SchemaGuard {
    /// Looks at requests as this document describes them.
    #[must_use]
    pub fn new(document: Option<Arc<Document>>, unknown: UnknownFields, undocumented: Undocumented) -> Self {
        Self { document, body: None, unknown, undocumented, reading: Reading::default(), answers: None }
    }

    /// Looks at bodies as this one describes them, whatever the document says.
    #[must_use]
    pub fn with_body(mut self, body: Option<Arc<Operation>>) -> Self {
        self.body = body.map(|required| OwnBody { optional: Arc::new(required.with_optional_body()), required });
        self
    }

    /// Reads bodies so.
    #[must_use]
    pub const fn reading(mut self, reading: Reading) -> Self {
        self.reading = reading;
        self
    }

    /// Compares the application's answers with the document, and has what differs remembered and counted under this route's name.
    /// Fields that no schema names are told unless they are allowed.
    #[must_use]
    pub fn comparing_answers(mut self, drift: &Drift, route: &str, unknown: UnknownFields, meter: &dyn Meter) -> Self {
        self.answers = Some(Answers::new(drift, route, unknown, meter));
        self
    }

    /// A request for which the document has nothing.
    fn nothing(&self, document: &Document, head: &Head) -> Verdict {
        if self.undocumented == Undocumented::Allow || head.method == Method::OPTIONS {
            return Verdict::Pass;
        }
        let methods = document.methods(head.uri.path());
        let names: Vec<&str> = methods.iter().map(Method::as_str).collect();
        if let (false, Ok(allow)) = (names.is_empty(), HeaderValue::try_from(names.join(", "))) {
            let problem = Problem::new(&VALIDATION_FAILED).with_status(StatusCode::METHOD_NOT_ALLOWED);
            let problem = problem.header(ALLOW, allow).detail("This API describes other methods for this path.");
            return Verdict::Refuse(Box::new(problem));
        }
        let problem = Problem::new(&VALIDATION_FAILED).with_status(StatusCode::NOT_FOUND);
        Verdict::Refuse(Box::new(problem.detail("This API describes nothing for this path.")))
    }

    fn strip(&self, operation: &Operation, head: &Head) -> Option<Uri> {
        if self.unknown != UnknownFields::Strip {
            return None;
        }
        without_unknown(operation, &head.uri)
    }

    /// What describes the bodies of a request, when anything does.
    fn describing<'a>(&'a self, head: &Head, context: &'a Context) -> Option<&'a Arc<Operation>> {
        if let Some(body) = &self.body {
            let mostly_without = MOSTLY_WITHOUT_BODY.contains(&head.method);
            return Some(if mostly_without { &body.optional } else { &body.required });
        }
        if let Some(known) = &context.described {
            return Some(known);
        }
        match self.document.as_ref()?.find(&head.method, head.uri.path(), &mut Captured::new()) {
            Described::Operation(operation) => Some(operation),
            Described::OtherMethods | Described::Nothing => None,
        }
    }

    /// Who looks at a body that a schema describes.
    fn look(&self, operation: &Arc<Operation>, kind: &str, headers: &HeaderMap, length: Option<u64>) -> Look {
        let form = essence(kind).eq_ignore_ascii_case("application/x-www-form-urlencoded");
        let json = is_json(headers);
        if !form && !json {
            // A document's other types are the application's to read; a schema of JSON alone says nothing of them.
            return match &self.body {
                // A body that may be empty, and absent, has no media type to be asked for.
                Some(_) if length.is_none() && kind.is_empty() && operation.without_body().is_empty() => {
                    Ok(Some(Box::new(NoBodyLook { operation: Arc::clone(operation), strip: false })))
                }
                Some(_) => Err(faulty::other_type(operation, "application/json".to_owned())),
                None => Ok(None),
            };
        }
        if encoded(headers) {
            return match self.reading.encoded {
                Encoded::Pass => Ok(None),
                Encoded::Refuse => Err(faulty::encoded(operation)),
            };
        }
        let expected = Expectation {
            operation: Arc::clone(operation),
            content_type: kind.to_owned(),
            unknown: self.unknown,
            aside: self.reading.aside,
        };
        if form {
            return Ok(Some(Box::new(FormLook { expected, bytes: Vec::new() })));
        }
        let scanner = (!self.reading.read_before).then(|| Scanner::telling(OWN_LIMITS, Growing::default()));
        Ok(Some(Box::new(JsonLook { expected, scanner, bytes: 0 })))
    }
}

type Look = Result<Option<Box<dyn Inspect>>, Box<Problem>>;

impl Guard for SchemaGuard {
    fn head(&self, head: &mut Head, context: &mut Context) -> Verdict {
        let Some(document) = &self.document else { return Verdict::Pass };
        let mut captured = Captured::new();
        let Described::Operation(operation) = document.find(&head.method, head.uri.path(), &mut captured) else {
            return self.nothing(document, head);
        };
        if self.answers.is_some() {
            context.promised = Some(Promised::new(operation, &head.method));
        }
        let parts = Parts { captured: &captured, query: head.uri.query(), headers: &head.headers };
        let faults = operation.head(parts, self.unknown, context.now);
        if !faults.is_empty() {
            return Verdict::Refuse(faulty::refusal(operation, &faults));
        }
        drop(captured);
        context.described = Some(Arc::clone(operation));
        if let Some(uri) = self.strip(operation, head) {
            head.uri = uri;
        }
        Verdict::Pass
    }

    fn inspect(&self, head: &mut Head, expected: &Expected, context: &mut Context) -> Look {
        let Some(operation) = self.describing(head, context) else { return Ok(None) };
        if expected.empty() {
            let faults = operation.without_body();
            return if faults.is_empty() { Ok(None) } else { Err(faulty::refusal(operation, &faults)) };
        }
        let mut kinds = head.headers.get_all(CONTENT_TYPE).iter();
        let kind = kinds.next().map_or(Some(""), |kind| kind.to_str().ok());
        let (Some(kind), None) = (kind, kinds.next()) else {
            // Of several the application may read any one.
            return Err(faulty::unreadable(operation, "one media type", "several, or one that is not text"));
        };
        match operation.takes(kind) {
            Takes::None if self.unknown == UnknownFields::Allow => Ok(None),
            Takes::None => {
                let strip = self.unknown == UnknownFields::Strip;
                Ok(Some(Box::new(NoBodyLook { operation: Arc::clone(operation), strip })))
            }
            // A body of no length has no media type to be asked for.
            Takes::Others(names) if expected.length.is_some() || !kind.is_empty() => {
                Err(faulty::other_type(operation, names))
            }
            Takes::Others(_) => Ok(Some(Box::new(NoBodyLook { operation: Arc::clone(operation), strip: false }))),
            Takes::Anything => Ok(None),
            Takes::Described => self.look(operation, kind, &head.headers, expected.length),
        }
    }

    fn follow(&self, answer: &AnswerHead, context: &mut Context) -> Option<Box<dyn Follow>> {
        let (answers, promised) = (self.answers.as_ref()?, context.promised.take()?);
        answers.follow(promised, answer, context)
    }

    fn needs(&self) -> Needs {
        let follows = self.answers.is_some();
        Needs { inspects: true, tree: self.reading.read_before, follows, ..Needs::default() }
    }
}

/// The target without parameters that the document does not name; nothing when there are none.
fn without_unknown(operation: &Operation, uri: &Uri) -> Option<Uri> {
    let query = operation.stripped_query(uri.query()?)?;
    let path = uri.path();
    let target = if query.is_empty() { path.to_owned() } else { format!("{path}?{query}") };
    let mut parts = uri.clone().into_parts();
    parts.path_and_query = PathAndQuery::try_from(target).ok();
    Uri::from_parts(parts).ok()
}
