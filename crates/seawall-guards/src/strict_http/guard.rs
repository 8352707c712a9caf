//! The decisions on a request's head.

use std::{borrow::Cow, net::Ipv6Addr};

use http::{
    HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Uri, Version,
    header::{ALLOW, HOST, ORIGIN},
    uri::PathAndQuery,
};
use seawall_core::{
    http::{
        hop,
        path::{self, PathRules},
    },
    meter::Handle,
    problem::{Fault, Problem, ProblemType, Severity},
    settings::{BadSetting, Raw, Setting, Shape, Values, choice},
};

use super::config::{ENCODED_SLASH, HOSTS, MAX_HEADER_BYTES, MAX_HEADERS, OVERRIDES};
use crate::{Context, Guard, Head, Verdict};

const fn malformed(
    slug: &'static str,
    code: &'static str,
    title: &'static str,
    documentation: &'static str,
) -> ProblemType {
    let status = StatusCode::BAD_REQUEST;
    ProblemType {
        slug,
        code,
        status,
        title,
        retryable: false,
        fault: Fault::Client,
        severity: Severity::Low,
        documentation,
    }
}

/// No host, several hosts, a malformed host, or one the application does not answer to.
pub static INVALID_HOST: ProblemType = malformed(
    "invalid-host",
    "INVALID_HOST",
    "The request does not name one valid host",
    "Every request names exactly one host, and a host in the request line agrees with the Host header. Two servers that pick \
     different hosts would see two different requests.\n\nFor the operator: `hosts` in `[strict_http]` lists the names the \
     application answers to; empty accepts any.",
);

/// A path that servers read differently.
pub static INVALID_PATH: ProblemType = malformed(
    "invalid-path",
    "INVALID_PATH",
    "The path can be read in two ways",
    "The path holds dot segments, an encoded slash, a control character or a broken percent-encoding. Servers read these \
     differently, and a guard for one reading could be slipped past with another. Send the plain path.\n\nFor the operator: an \
     application that needs encoded slashes can have `encoded_slash = \"pass\"` in `[strict_http]`.",
);

/// A header that no request may have.
pub static INVALID_REQUEST: ProblemType = malformed(
    "invalid-request",
    "INVALID_REQUEST",
    "The request is malformed",
    "The request breaks a rule of HTTP that decides where it ends or which fields belong to it, so it is not forwarded. The detail \
     names the rule. Ordinary clients never send such a request.",
);

/// TRACE or CONNECT.
pub static METHOD_REFUSED: ProblemType = ProblemType {
    status: StatusCode::METHOD_NOT_ALLOWED,
    ..malformed(
        "method-refused",
        "METHOD_NOT_ALLOWED",
        "This method is not served here",
        "This path does not answer this method; `Allow` says which it answers. TRACE and CONNECT are served nowhere: TRACE would show a client what proxies added to its request, CONNECT would make this server a way into the network behind \
         it.",
    )
};

/// Too many header fields, or too many bytes of them.
pub static HEADERS_TOO_LARGE: ProblemType = ProblemType {
    status: StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE,
    ..malformed(
        "headers-too-large",
        "HEADERS_TOO_LARGE",
        "The request's header fields are too large",
        "The request has too many header fields, or too many bytes of them; most often a cookie has grown. Send fewer or smaller \
         fields.\n\nFor the operator: the limits are `max_headers` and `max_header_bytes` in `[strict_http]`.",
    )
};

/// Refuses requests whose meaning is uncertain.
#[derive(Debug)]
pub struct StrictHttpGuard {
    rules: PathRules,
    max_headers: usize,
    max_header_bytes: usize,
    hosts: Vec<String>,
    overrides: Overrides,
    dropped: Handle,
}

/// What happens to requests that name another method or path in a field. Some applications take it for theirs, and guards are chosen by those of
/// the request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Overrides {
    /// They are refused.
    Refuse,
    /// They are passed on.
    Pass,
}

impl Setting for Overrides {
    const SHAPE: Shape = Shape::Choice(&["refuse", "pass"]);

    fn read(raw: &Raw) -> Result<Self, String> {
        choice(raw, &[("refuse", Self::Refuse), ("pass", Self::Pass)])
    }
}

/// The fields in which a method, or a path, is named beside the request's own.
const OVERRIDING: [&str; 5] =
    ["x-http-method-override", "x-http-method", "x-method-override", "x-original-url", "x-rewrite-url"];

impl StrictHttpGuard {
    /// Reads the settings; counts dropped fields.
    ///
    /// # Errors
    /// [`BadSetting`] when they are not checked settings of the section.
    pub fn read(values: &Values, dropped: Handle) -> Result<Self, BadSetting> {
        Ok(Self {
            rules: path_rules(values)?,
            max_headers: usize::try_from(values.get(&MAX_HEADERS)?).unwrap_or(usize::MAX),
            max_header_bytes: usize::try_from(values.get(&MAX_HEADER_BYTES)?.bytes()).unwrap_or(usize::MAX),
            overrides: values.get(&OVERRIDES)?,
            hosts: values.find(&HOSTS)?.unwrap_or_default().into_iter().map(|host| host.to_ascii_lowercase()).collect(),
            dropped,
        })
    }

    fn check(&self, head: &mut Head) -> Result<(), Box<Problem>> {
        if matches!(head.method, Method::TRACE | Method::CONNECT) {
            let allow = HeaderValue::from_static("GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS");
            return Err(Box::new(Problem::new(&METHOD_REFUSED).header(ALLOW, allow)));
        }
        let malformed = |detail: &'static str| Err(Box::new(Problem::new(&INVALID_REQUEST).detail(detail).close()));
        if head.method.as_str().bytes().any(|byte| byte.is_ascii_lowercase()) {
            // Methods are compared with their case, but some applications do not.
            return malformed("The method holds a small letter.");
        }
        if head.headers.get_all(ORIGIN).iter().count() > 1 {
            return malformed("The request has more than one Origin header.");
        }
        if !head.uri.path_and_query().is_none_or(|target| target.as_str().is_ascii()) {
            // Over HTTP/1 the same is refused before; two spellings of one path would be two to those who compare.
            return malformed("The request target holds a character that must be percent-encoded.");
        }
        if head.uri.path() == "*" && head.method != Method::OPTIONS {
            return malformed("Only OPTIONS may ask for *.");
        }
        if head.uri.scheme_str().is_some_and(|scheme| !matches!(scheme, "http" | "https")) {
            return malformed("The request line names a scheme other than http and https.");
        }
        self.check_fields(&mut head.headers)?;
        // What goes no further decides nothing either.
        if let Err(fault) = hop::strip_nominated(&mut head.headers) {
            return Err(Box::new(Problem::new(&INVALID_REQUEST).detail(sentence(&fault)).close()));
        }
        if !hop::plain_coding(&head.headers) {
            return malformed("The request's body is in a transfer coding other than chunked.");
        }
        self.check_host(head)?;
        self.check_path(&mut head.uri)
    }

    /// Counts fields and bytes, and drops fields whose name holds an underscore: many applications cannot tell
    /// `X_Real_IP` from `X-Real-IP`, so a stranger could forge what we wrote.
    fn check_fields(&self, headers: &mut HeaderMap) -> Result<(), Box<Problem>> {
        let (mut bytes, mut overridden) = (0, false);
        let mut underscored: Vec<HeaderName> = Vec::new();
        for (name, value) in &*headers {
            bytes += name.as_str().len() + value.len() + 4;
            overridden |= OVERRIDING.contains(&name.as_str());
            if name.as_str().contains('_') && !underscored.contains(name) {
                underscored.push(name.clone());
            }
        }
        let refuse = |detail: String| Err(Box::new(Problem::new(&HEADERS_TOO_LARGE).detail(detail).close()));
        if headers.len() > self.max_headers {
            return refuse(format!("A request may have {} header fields.", self.max_headers));
        }
        if bytes > self.max_header_bytes {
            return refuse(format!(
                "The header fields of a request may have {} bytes together.",
                self.max_header_bytes
            ));
        }
        if overridden && self.overrides == Overrides::Refuse {
            let detail = "A field of the request names another method or path than its own.";
            return Err(Box::new(Problem::new(&INVALID_REQUEST).detail(detail).close()));
        }
        for name in underscored {
            headers.remove(name);
            self.dropped.increment();
        }
        Ok(())
    }

    /// One host, in the header; a host in the request line wins when they agree but for case, and is refused when not.
    fn check_host(&self, head: &mut Head) -> Result<(), Box<Problem>> {
        let refuse = |detail: &'static str| Err(Box::new(Problem::new(&INVALID_HOST).detail(detail).close()));
        let mut sent = head.headers.get_all(HOST).iter();
        let (header, second) = (sent.next(), sent.next());
        if second.is_some() {
            return refuse("The request has more than one Host header.");
        }
        if header.is_some_and(|value| host_name(value.as_bytes()).is_none()) {
            return refuse("The Host header is not a host name.");
        }
        let line = head.uri.authority();
        let host = match (line, header) {
            (Some(line), Some(header)) if !header.as_bytes().eq_ignore_ascii_case(line.as_str().as_bytes()) => {
                return refuse("The host in the request line and the Host header differ.");
            }
            (_, Some(header)) => header.clone(),
            (Some(line), None) if host_name(line.as_str().as_bytes()).is_some() => {
                match HeaderValue::from_str(line.as_str()) {
                    Ok(host) => host,
                    Err(_) => return refuse("The host in the request line is malformed."),
                }
            }
            (Some(_), None) => return refuse("The host in the request line is malformed."),
            (None, None) if head.version == Version::HTTP_10 && self.hosts.is_empty() => return Ok(()),
            (None, None) => return refuse("The request has no Host header."),
        };
        let answers = |name: &[u8]| self.hosts.iter().any(|listed| listed.as_bytes().eq_ignore_ascii_case(name));
        if !self.hosts.is_empty() && !host_name(host.as_bytes()).is_some_and(answers) {
            return refuse("This server does not answer for the host of the request.");
        }
        if header.is_none() {
            head.headers.insert(HOST, host);
        }
        Ok(())
    }

    /// Brings the path into the one spelling that is matched and forwarded, in origin form.
    fn check_path(&self, uri: &mut Uri) -> Result<(), Box<Problem>> {
        let refuse = |fault: &dyn std::fmt::Display| {
            Problem::new(&INVALID_PATH).detail(sentence(fault)).inside(fault.to_string())
        };
        let normal = path::normalise(uri.path(), &self.rules).map_err(|fault| refuse(&fault))?;
        let absolute = uri.scheme().is_some() || uri.authority().is_some();
        if let (Cow::Borrowed(_), false) = (&normal, absolute) {
            return Ok(());
        }
        let spelled = match uri.query() {
            Some(query) => format!("{normal}?{query}"),
            None => normal.into_owned(),
        };
        let spelled = PathAndQuery::try_from(spelled).map_err(|fault| refuse(&fault))?;
        *uri = Uri::from(spelled);
        Ok(())
    }
}

impl Guard for StrictHttpGuard {
    fn head(&self, head: &mut Head, _context: &mut Context) -> Verdict {
        match self.check(head) {
            Ok(()) => Verdict::Pass,
            Err(problem) => Verdict::Refuse(problem),
        }
    }
}

/// How paths are read.
///
/// # Errors
/// [`BadSetting`] when the values are not checked settings of the section.
pub fn path_rules(values: &Values) -> Result<PathRules, BadSetting> {
    Ok(PathRules { encoded_slash: values.get(&ENCODED_SLASH)? })
}

/// The largest head that is not refused for its size, in the octets that HTTP/2 counts: 32 for each field beside its name and its
/// value (RFC 9113 section 6.5.2).
///
/// # Errors
/// [`BadSetting`] when the values are not checked settings of the section.
pub fn largest_field_list(values: &Values) -> Result<u64, BadSetting> {
    Ok(values.get(&MAX_HEADER_BYTES)?.bytes() + 32 * values.get(&MAX_HEADERS)?)
}

/// Removes what belongs to the connection, before the head is sent on.
///
/// # Errors
/// A problem when the `Connection` header is malformed or nominates what must travel on.
pub fn strip_connection_fields(headers: &mut HeaderMap) -> Result<(), Box<Problem>> {
    hop::strip(headers).map_err(|fault| Box::new(Problem::new(&INVALID_REQUEST).detail(sentence(&fault)).close()))
}

/// The name in a host and its port, or nothing when it is neither a name nor an address (RFC 3986 section 3.2.2, without
/// percent-encoding and sub-delimiters, which no real host has).
fn host_name(host: &[u8]) -> Option<&[u8]> {
    let end = if host.starts_with(b"[") {
        host.iter().position(|&byte| byte == b']')? + 1
    } else {
        host.iter().position(|&byte| byte == b':').unwrap_or(host.len())
    };
    let (name, port) = host.split_at_checked(end)?;
    let named = |byte: &u8| byte.is_ascii_alphanumeric() || b".-_".contains(byte);
    let sane = match name {
        [b'[', address @ .., b']'] => std::str::from_utf8(address).is_ok_and(|text| text.parse::<Ipv6Addr>().is_ok()),
        [] => false,
        name => name.len() <= 255 && name.iter().all(named) && name.iter().any(u8::is_ascii_alphanumeric),
    };
    let port_is_sane = match port {
        [] => true,
        [b':', digits @ ..] if digits.iter().all(u8::is_ascii_digit) => {
            std::str::from_utf8(digits).is_ok_and(|text| text.parse::<u16>().is_ok())
        }
        _ => false,
    };
    (sane && port_is_sane).then_some(name)
}

/// A fault as a sentence.
fn sentence(fault: &dyn std::fmt::Display) -> String {
    let text = fault.to_string();
    let mut chars = text.chars();
    chars.next().map_or_else(String::new, |first| format!("{}{}.", first.to_uppercase(), chars.as_str()))
}
