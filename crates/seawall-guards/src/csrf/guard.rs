//! The decision on a request that another site's page may have had a browser make.

use std::sync::Arc;

use http::{
    HeaderName, HeaderValue, Method, StatusCode, Version,
    header::{AUTHORIZATION, CONTENT_LENGTH, COOKIE, TRANSFER_ENCODING},
};
use seawall_core::{
    Environment,
    authenticator::PageTokens,
    cross_site::CROSS_SITE_REFUSED,
    http::hop,
    problem::{Fault, Problem, ProblemType, Severity},
    settings::{BadSetting, Values},
};

use super::{
    config::{CONTENT_TYPES, Proof, REQUIRE, TOKEN_HEADER, WHEN, When, trusted},
    content_type::{self, ContentType, Said},
    sender::{self, Sender, Trusted},
};
use crate::{Context, Guard, Head, Verdict, cors};

/// The body is of a kind that the route does not take from browsers.
pub static CONTENT_TYPE_REFUSED: ProblemType = ProblemType {
    slug: "content-type-refused",
    code: "UNSUPPORTED_MEDIA_TYPE",
    status: StatusCode::UNSUPPORTED_MEDIA_TYPE,
    title: "The body's content type is not one that belongs here",
    retryable: false,
    fault: Fault::Client,
    severity: Severity::Low,
    documentation: "The request has a body whose `Content-Type` is not one of those that this route takes, is missing, was sent twice, or cannot be \
        read in one way only. Name it as what it is, such as `Content-Type: application/json`.\n\nFor the operator: which are taken is said by \
        `content_types` in `[csrf]`. Forms of other sites can send `text/plain` and the kinds of forms with a visitor's cookies and without being asked.",
};

/// The route asks for a token, and there is none that holds.
pub static TOKEN_REFUSED: ProblemType = ProblemType {
    slug: "csrf-token-refused",
    code: "CSRF_TOKEN_REFUSED",
    status: StatusCode::FORBIDDEN,
    title: "The page has to send its token",
    retryable: false,
    fault: Fault::Client,
    severity: Severity::Low,
    documentation: "This route asks for a token that belongs to the session, and the request came without one, with two, or with that of another session. Get one \
        with `GET PREFIX/auth/csrf-token` and send it in `X-CSRF-Token`, or in the field that the operator has named.\n\nFor the operator: it is asked for by \
        `require = \"token\"` in `[csrf]`. Only a session of Seawall's has tokens.",
};

static API_KEY: HeaderName = HeaderName::from_static("x-api-key");

/// Schemes of `Authorization` that a browser repeats by itself, as it does with cookies.
const REPEATED: [&[u8]; 4] = [b"basic", b"digest", b"negotiate", b"ntlm"];

/// Refuses what other sites have a browser ask.
#[derive(Debug)]
pub struct CsrfGuard {
    when: When,
    require: Proof,
    trusted: Trusted,
    content_types: Box<[ContentType]>,
    token_header: HeaderName,
    tokens: Option<Arc<dyn PageTokens>>,
}

impl CsrfGuard {
    /// Reads the settings; `granted` are those of `[cors]`, whose origins are trusted here too.
    ///
    /// # Errors
    /// [`BadSetting`] when they are not checked settings of the sections.
    pub fn read(values: &Values, granted: &Values, environment: Environment) -> Result<Self, BadSetting> {
        let origins = trusted(values)?.into_iter().chain(cors::origins(granted)?);
        Ok(Self {
            when: values.get(&WHEN)?,
            require: values.get(&REQUIRE)?,
            trusted: Trusted::new(origins, environment != Environment::Production),
            content_types: values.get(&CONTENT_TYPES)?.into(),
            token_header: values.get(&TOKEN_HEADER)?.0,
            tokens: None,
        })
    }

    /// Whether requests have to bring a token.
    #[must_use]
    pub fn requires_token(&self) -> bool {
        self.require == Proof::Token
    }

    /// Knows tokens by these. Without, none holds.
    #[must_use]
    pub fn with_tokens(self, tokens: Option<Arc<dyn PageTokens>>) -> Self {
        Self { tokens, ..self }
    }

    /// Whether a page could have had the browser make this request, with something that only the visitor has.
    fn concerns(&self, head: &Head, context: &Context) -> bool {
        if head.method.is_safe() && hop::upgrade(&head.headers).is_none() {
            return false;
        }
        if context.by_cookie {
            return true;
        }
        // Whoever shows something else than a cookie had it in hand: no page of another site has.
        if context.principal.is_some() || head.headers.contains_key(&API_KEY) {
            return false;
        }
        let mut shown = head.headers.get_all(AUTHORIZATION).iter();
        match (shown.next(), shown.next()) {
            (Some(shown), None) => repeated(shown),
            (Some(_), Some(_)) => true,
            (None, _) => self.when == When::Always || head.headers.contains_key(COOKIE),
        }
    }

    /// Whether the request brings a token of its session. Anybody's without a session has none.
    fn has_token(&self, head: &Head, context: &Context) -> bool {
        let mut sent = head.headers.get_all(&self.token_header).iter();
        let session = context.principal.as_ref().filter(|_| context.by_cookie);
        match (&self.tokens, session.and_then(|principal| principal.session.as_deref()), sent.next(), sent.next()) {
            (Some(tokens), Some(session), Some(token), None) => tokens.holds(session, token.as_bytes()),
            _ => false,
        }
    }

    fn refusal(&self, head: &Head, context: &Context) -> Option<Problem> {
        match sender::of(&head.headers, context.secure, &self.trusted) {
            Sender::Foreign(why) => {
                let detail = "A page of another origin made this request with the visitor's credentials.";
                return Some(Problem::new(&CROSS_SITE_REFUSED).detail(detail).inside(why));
            }
            // Of what opens a socket no more can be asked.
            Sender::Unknown
                if self.require == Proof::Origin || (self.require == Proof::Token && head.method.is_safe()) =>
            {
                let detail = "The request does not say which page it comes from (`Sec-Fetch-Site`, `Origin`, `Referer`), and this route asks for that.";
                return Some(Problem::new(&CROSS_SITE_REFUSED).detail(detail));
            }
            Sender::Own | Sender::Unknown => {}
        }
        // A page can give the request for a socket neither a field nor a body.
        if head.method.is_safe() {
            return None;
        }
        if self.requires_token() && !self.has_token(head, context) {
            return Some(Problem::new(&TOKEN_REFUSED));
        }
        if self.content_types.is_empty() {
            return None;
        }
        let said = content_type::said(&head.headers);
        let bare = said == Said::Nothing && !has_body(head);
        (!bare && !content_type::is_one_of(&self.content_types, said)).then(|| Problem::new(&CONTENT_TYPE_REFUSED))
    }
}

impl Guard for CsrfGuard {
    fn head(&self, head: &mut Head, context: &mut Context) -> Verdict {
        if !self.concerns(head, context) {
            return Verdict::Pass;
        }
        match self.refusal(head, context) {
            Some(problem) => Verdict::Refuse(Box::new(problem)),
            None => Verdict::Pass,
        }
    }
}

/// Whether a browser repeats this credential by itself.
fn repeated(shown: &HeaderValue) -> bool {
    let shown = shown.as_bytes().trim_ascii();
    let scheme = shown.split(u8::is_ascii_whitespace).next().unwrap_or_default();
    scheme.is_empty() || REPEATED.iter().any(|own| scheme.eq_ignore_ascii_case(own))
}

/// Whether a body follows. HTTP/2 does not say so in the head; only a POST can be sent there unasked, and browsers give its length.
fn has_body(head: &Head) -> bool {
    match head.headers.get(CONTENT_LENGTH) {
        Some(length) => length.as_bytes() != b"0",
        None => {
            head.headers.contains_key(TRANSFER_ENCODING)
                || (head.version == Version::HTTP_2 && head.method == Method::POST)
        }
    }
}
