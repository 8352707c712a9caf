//! The decision on a request from another origin.

use bytes::Bytes;
use http::{
    HeaderMap, HeaderName, HeaderValue, Method, Response, StatusCode,
    header::{
        ACCESS_CONTROL_ALLOW_CREDENTIALS, ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS,
        ACCESS_CONTROL_ALLOW_ORIGIN, ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE,
        ACCESS_CONTROL_REQUEST_METHOD, HOST, ORIGIN, VARY,
    },
};
use seawall_core::{
    Environment,
    http::{Origin, OriginPattern, hop},
    problem::{Fault, Problem, ProblemType, Severity},
    settings::{BadSetting, Field, Values},
};

use super::config::{CREDENTIALS, EXPOSE, HEADERS, MAX_AGE, METHODS, ORIGINS};
use crate::{AnswerHead, Context, Guard, Head, Needs, Stop, Verdict};

/// A page of an origin that is not listed.
pub static ORIGIN_REFUSED: ProblemType = ProblemType {
    slug: "origin-refused",
    code: "ORIGIN_REFUSED",
    status: StatusCode::FORBIDDEN,
    title: "Pages of this origin may not call this application",
    retryable: false,
    fault: Fault::Client,
    severity: Severity::Medium,
    documentation: "A browser asked whether a page of another origin may make this request, and it may not.\n\nFor the operator: if the \
        origin is yours, add it to `origins` in `[cors]`, exactly as the browser sends it (scheme, host, port).",
};

/// How the names begin of all fields that grant something.
const GRANTS: &str = "access-control-";
static BY_ORIGIN: HeaderValue = HeaderValue::from_static("Origin");
static PRIVATE_NETWORK: HeaderName = HeaderName::from_static("access-control-allow-private-network");

/// What the caller is granted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Granted {
    /// Nothing: no other origin asked.
    #[default]
    Nothing,
    /// This origin may read the answer.
    Origin(HeaderValue),
    /// This origin asked beforehand, and may.
    Preflight(HeaderValue),
    /// An origin that is not listed asked; it gets no grant.
    Refused,
}

/// Grants listed origins and refuses others.
#[derive(Debug)]
pub struct CorsGuard {
    /// Those that are listed, as they are granted.
    origins: Vec<HeaderValue>,
    any: bool,
    in_charge: bool,
    local: bool,
    credentials: bool,
    methods: HeaderValue,
    headers: HeaderValue,
    expose: HeaderValue,
    max_age: HeaderValue,
}

impl CorsGuard {
    /// Reads the settings.
    ///
    /// # Errors
    /// [`BadSetting`] when a method or header name is none.
    pub fn read(values: &Values, environment: Environment) -> Result<Self, BadSetting> {
        let patterns = values.get(&ORIGINS)?;
        let exactly = |pattern: &OriginPattern| match pattern {
            OriginPattern::Exactly(origin) => Some(granted(origin)),
            OriginPattern::Any => None,
        };
        Ok(Self {
            origins: patterns.iter().filter_map(exactly).collect::<Result<_, _>>()?,
            any: patterns.contains(&OriginPattern::Any),
            in_charge: !patterns.is_empty(),
            local: environment != Environment::Production,
            credentials: values.get(&CREDENTIALS)?,
            methods: list(values, &METHODS, |name| name.parse::<Method>().is_ok())?,
            headers: list(values, &HEADERS, |name| name == "*" || name.parse::<HeaderName>().is_ok())?,
            expose: list(values, &EXPOSE, |name| name.parse::<HeaderName>().is_ok())?,
            max_age: HeaderValue::from(values.get(&MAX_AGE)?.ms() / 1_000),
        })
    }

    /// What is granted to a page of this origin. Of a listed one that is the value of the settings, which does not keep in memory what
    /// else its client sent.
    fn grants(&self, origin: &HeaderValue) -> Option<HeaderValue> {
        if let Some(listed) = self.origins.iter().find(|listed| *listed == origin) {
            return Some(listed.clone());
        }
        let text = origin.to_str().ok()?;
        let local = || Origin::parse(text).is_some_and(|origin| origin.local());
        (self.any || (self.local && local())).then(|| origin.clone())
    }

    fn preflight(&self) -> Box<Response<Bytes>> {
        let mut answer = Response::new(Bytes::new());
        *answer.status_mut() = StatusCode::NO_CONTENT;
        let headers = answer.headers_mut();
        headers.insert(ACCESS_CONTROL_ALLOW_METHODS, self.methods.clone());
        headers.insert(ACCESS_CONTROL_ALLOW_HEADERS, self.headers.clone());
        headers.insert(ACCESS_CONTROL_MAX_AGE, self.max_age.clone());
        headers.insert(VARY, HeaderValue::from_static("Access-Control-Request-Method, Access-Control-Request-Headers"));
        Box::new(answer)
    }

    /// Grants what the application says nothing of.
    fn grant_the_ungranted(&self, headers: &mut HeaderMap, context: &Context) {
        let (Granted::Origin(origin) | Granted::Preflight(origin)) = &context.granted else { return };
        if !headers.contains_key(ACCESS_CONTROL_ALLOW_ORIGIN) {
            self.grant(headers, origin);
            headers.append(VARY, BY_ORIGIN.clone());
        }
    }

    fn grant(&self, headers: &mut HeaderMap, origin: &HeaderValue) {
        let allow = if self.any && !self.credentials { HeaderValue::from_static("*") } else { origin.clone() };
        headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, allow);
        if self.credentials {
            headers.insert(ACCESS_CONTROL_ALLOW_CREDENTIALS, HeaderValue::from_static("true"));
        }
        headers.insert(ACCESS_CONTROL_EXPOSE_HEADERS, self.expose.clone());
    }
}

impl Guard for CorsGuard {
    fn head(&self, head: &mut Head, context: &mut Context) -> Verdict {
        let Some(origin) = head.headers.get(ORIGIN) else { return Verdict::Pass };
        if origin.to_str().is_ok_and(|origin| same_origin(origin, &head.headers, context.secure)) {
            return Verdict::Pass;
        }
        let preflight = head.method == Method::OPTIONS && head.headers.contains_key(ACCESS_CONTROL_REQUEST_METHOD);
        if let Some(origin) = self.grants(origin) {
            context.granted = if preflight { Granted::Preflight(origin) } else { Granted::Origin(origin) };
            return if preflight && self.in_charge { Verdict::Answer(self.preflight()) } else { Verdict::Pass };
        }
        context.granted = Granted::Refused;
        let opens_socket = hop::upgrade(&head.headers).is_some();
        if self.in_charge && (preflight || opens_socket) {
            let detail = "The origin of the page is not one of those that may call this application.";
            let inside = format!("the origin {} is not listed", String::from_utf8_lossy(origin.as_bytes()));
            return Verdict::Refuse(Box::new(Problem::new(&ORIGIN_REFUSED).detail(detail).inside(inside)));
        }
        Verdict::Pass
    }

    /// Outside production, a local page's preflight that the application does not answer is answered here; while the guard only
    /// reports, that of any page that is granted.
    fn answer(&self, answer: &mut AnswerHead, context: &mut Context) -> Option<Stop> {
        let asked = matches!(context.granted, Granted::Preflight(_));
        (asked && !answer.headers.contains_key(ACCESS_CONTROL_ALLOW_ORIGIN)).then(|| Stop::Answered(self.preflight()))
    }

    fn dress(&self, answer: &mut AnswerHead, context: &Context) {
        let headers = &mut answer.headers;
        if self.in_charge {
            // Looking at the names that are there is cheaper than asking for each that may be.
            if headers.keys().any(|name| name.as_str().starts_with(GRANTS)) {
                for name in [
                    &ACCESS_CONTROL_ALLOW_ORIGIN,
                    &ACCESS_CONTROL_ALLOW_CREDENTIALS,
                    &ACCESS_CONTROL_EXPOSE_HEADERS,
                    &PRIVATE_NETWORK,
                ] {
                    headers.remove(name);
                }
            }
            headers.append(VARY, BY_ORIGIN.clone());
            if let Granted::Origin(origin) | Granted::Preflight(origin) = &context.granted {
                self.grant(headers, origin);
            }
        } else {
            self.grant_the_ungranted(headers, context);
        }
    }

    /// The application is in charge, and what is listed is granted when it says nothing: so nobody lacks a grant who had one before,
    /// whoever gave it.
    fn dress_reporting(&self, answer: &mut AnswerHead, context: &Context) {
        self.grant_the_ungranted(&mut answer.headers, context);
    }

    fn needs(&self) -> Needs {
        Needs { answers: true, dresses: true, ..Needs::default() }
    }
}

/// Whether the page is the application's own: browsers send `Origin` with its own unsafe requests too.
pub(crate) fn same_origin(origin: &str, headers: &HeaderMap, secure: bool) -> bool {
    let Some(host) = headers.get(HOST) else { return false };
    let insecure = || origin.strip_prefix("http://").filter(|_| !secure);
    let authority = origin.strip_prefix("https://").or_else(insecure);
    authority.is_some_and(|authority| authority.as_bytes().eq_ignore_ascii_case(host.as_bytes()))
}

/// A listed origin as the value that grants it.
fn granted(origin: &Origin) -> Result<HeaderValue, BadSetting> {
    let reason = || format!("\"{}\" cannot stand in a header", origin.as_str());
    HeaderValue::from_str(origin.as_str()).map_err(|_| BadSetting { key: ORIGINS.key(), reason: reason() })
}

/// A list of names as one header value.
fn list(values: &Values, field: &Field<Vec<String>>, valid: impl Fn(&str) -> bool) -> Result<HeaderValue, BadSetting> {
    let names = values.get(field)?;
    let bad = |reason| BadSetting { key: field.key(), reason };
    if let Some(name) = names.iter().find(|name| !valid(name)) {
        return Err(bad(format!("\"{name}\" is not a name that can stand here")));
    }
    HeaderValue::from_str(&names.join(", ")).map_err(|_| bad("the names cannot stand in a header".to_owned()))
}
