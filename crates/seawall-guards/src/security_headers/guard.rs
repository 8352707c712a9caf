//! Dressing an answer.

use http::{
    HeaderMap, HeaderName, HeaderValue,
    header::{
        CONTENT_SECURITY_POLICY, CONTENT_SECURITY_POLICY_REPORT_ONLY, CONTENT_TYPE,
        REFERRER_POLICY as REFERRER_POLICY_NAME, STRICT_TRANSPORT_SECURITY, X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS,
        X_XSS_PROTECTION,
    },
};
use seawall_core::{
    Environment,
    settings::{BadSetting, Complaint, Field, Situation, Values},
};

use super::config::{
    CSP_HTML, CSP_HTML_REPORT_ONLY, CSP_JSON, ENABLED, FRAME_OPTIONS, HIDE, HSTS, HSTS_VALUE, Hsts, PERMISSIONS_POLICY,
    REFERRER_POLICY, UPSTREAM, Upstream, XSS_PROTECTION,
};
use crate::{AnswerHead, Context, Guard, Needs};

static PERMISSIONS: HeaderName = HeaderName::from_static("permissions-policy");
static NOSNIFF: HeaderValue = HeaderValue::from_static("nosniff");

/// Headers that are ready to be put on an answer, with the marks of their names.
type Prepared = Vec<(u64, HeaderName, HeaderValue)>;

/// Dresses every answer.
#[derive(Debug)]
pub struct SecurityHeadersGuard {
    overrides: bool,
    everywhere: Prepared,
    data: Prepared,
    pages: Prepared,
    hsts: Option<HeaderValue>,
    hidden: Vec<HeaderName>,
    /// The marks of hidden names: of most names nothing more is looked at.
    hidden_marks: u64,
}

impl SecurityHeadersGuard {
    /// Reads the settings; nothing when they turn it off.
    ///
    /// # Errors
    /// [`BadSetting`] when a value cannot stand in a header.
    pub fn read(values: &Values, environment: Environment) -> Result<Option<Self>, BadSetting> {
        if !values.get(&ENABLED)? {
            return Ok(None);
        }
        let framing = values.get(&FRAME_OPTIONS)?;
        let policy = |field| Ok(framed(&values.get::<String>(field)?, &framing));
        let hsts = match values.get(&HSTS)? {
            Hsts::Auto => environment == Environment::Production,
            Hsts::Always => true,
            Hsts::Off => false,
        };
        let report_only = (CONTENT_SECURITY_POLICY_REPORT_ONLY, &CSP_HTML_REPORT_ONLY, policy(&CSP_HTML_REPORT_ONLY)?);
        let hidden = hidden(&values.get(&HIDE)?)?;
        Ok(Some(Self {
            overrides: values.get(&UPSTREAM)? == Upstream::Override,
            everywhere: prepared([
                (X_FRAME_OPTIONS, &FRAME_OPTIONS, framing.clone()),
                (REFERRER_POLICY_NAME, &REFERRER_POLICY, values.get(&REFERRER_POLICY)?),
                (PERMISSIONS.clone(), &PERMISSIONS_POLICY, values.get(&PERMISSIONS_POLICY)?),
                (X_XSS_PROTECTION, &XSS_PROTECTION, values.get(&XSS_PROTECTION)?),
            ])?,
            data: prepared([(CONTENT_SECURITY_POLICY, &CSP_JSON, policy(&CSP_JSON)?)])?,
            pages: prepared([(CONTENT_SECURITY_POLICY, &CSP_HTML, policy(&CSP_HTML)?), report_only])?,
            hsts: if hsts { value(&HSTS_VALUE, &values.get(&HSTS_VALUE)?)? } else { None },
            hidden_marks: marks(hidden.iter()),
            hidden,
        }))
    }

    fn hides(&self, name: &HeaderName) -> bool {
        self.hidden_marks & mark(name) != 0 && self.hidden.contains(name)
    }

    /// Puts fields on an answer whose own names have these marks.
    fn put(&self, headers: &mut HeaderMap, own: u64, prepared: &Prepared) {
        for (mark, name, value) in prepared {
            if own & mark == 0 || self.overrides || !headers.contains_key(name) {
                headers.insert(name, value.clone());
            }
        }
    }
}

impl Guard for SecurityHeadersGuard {
    fn dress(&self, answer: &mut AnswerHead, context: &Context) {
        let headers = &mut answer.headers;
        // Looking once at the names that are there is cheaper than asking for each that may be.
        let own = marks(headers.keys());
        if own & self.hidden_marks != 0 {
            while let Some(name) = headers.keys().find(|name| self.hides(name)).cloned() {
                headers.remove(name);
            }
        }
        // The only value this header has; anything else was a mistake.
        headers.insert(X_CONTENT_TYPE_OPTIONS, NOSNIFF.clone());
        self.put(headers, own, &self.everywhere);
        match content(headers) {
            Content::Data => self.put(headers, own, &self.data),
            // A page with a policy of its own knows what it wants tried as well.
            Content::Page if !self.overrides && headers.contains_key(CONTENT_SECURITY_POLICY) => {}
            Content::Page => self.put(headers, own, &self.pages),
            Content::Other => {}
        }
        if let Some(value) = self.hsts.as_ref().filter(|_| context.secure) {
            headers.entry(STRICT_TRANSPORT_SECURITY).or_insert_with(|| value.clone());
        }
    }

    fn needs(&self) -> Needs {
        Needs { dresses: true, ..Needs::default() }
    }
}

/// A bit that stands for a name: names whose bits differ are different.
fn mark(name: &HeaderName) -> u64 {
    let name = name.as_str().as_bytes();
    let last = name.last().copied().unwrap_or_default();
    // The last letter tells apart what lengths do not, such as `x-request-id` and `x-powered-by`; tripled, it does so for all common names.
    1 << ((usize::from(last) * 3 + name.len()) % 64)
}

fn marks<'n>(names: impl Iterator<Item = &'n HeaderName>) -> u64 {
    names.fold(0, |marks, name| marks | mark(name))
}

/// What an answer is, as far as a policy cares.
enum Content {
    /// JSON, plain text, or nothing: it never loads anything.
    Data,
    /// A page.
    Page,
    /// Scripts, styles, images: a worker's script lives under the policy it came with, so none is added.
    Other,
}

fn content(headers: &HeaderMap) -> Content {
    let Some(kind) = headers.get(CONTENT_TYPE) else {
        return Content::Data;
    };
    let kind = kind.as_bytes();
    let essence = kind.split(|&byte| byte == b';').next().unwrap_or_default().trim_ascii();
    let starts = |prefix: &[u8]| essence.get(..prefix.len()).is_some_and(|start| start.eq_ignore_ascii_case(prefix));
    let json = || essence.last_chunk::<5>().is_some_and(|end| end.eq_ignore_ascii_case(b"+json"));
    if starts(b"text/html") || starts(b"application/xhtml+xml") {
        Content::Page
    } else if starts(b"application/json") || starts(b"text/plain") || json() {
        Content::Data
    } else {
        Content::Other
    }
}

/// A policy whose `frame-ancestors` agrees with `X-Frame-Options`.
fn framed(policy: &str, framing: &str) -> String {
    match framing.to_ascii_uppercase().as_str() {
        "SAMEORIGIN" => policy.replace("frame-ancestors 'none'", "frame-ancestors 'self'"),
        "" => policy
            .split(';')
            .map(str::trim)
            .filter(|part| *part != "frame-ancestors 'none'")
            .collect::<Vec<_>>()
            .join("; "),
        _ => policy.to_owned(),
    }
}

fn prepared<const N: usize>(headers: [(HeaderName, &Field<String>, String); N]) -> Result<Prepared, BadSetting> {
    let values =
        headers.into_iter().map(|(name, field, text)| Ok(value(field, &text)?.map(|value| (mark(&name), name, value))));
    values.filter_map(Result::transpose).collect()
}

/// A header's value; nothing when the setting is empty.
fn value(field: &Field<String>, text: &str) -> Result<Option<HeaderValue>, BadSetting> {
    if text.trim().is_empty() {
        return Ok(None);
    }
    let reason = "the value cannot stand in a header; it may hold visible ASCII characters and spaces".to_owned();
    HeaderValue::from_str(text.trim()).map(Some).map_err(|_| BadSetting { key: field.key(), reason })
}

fn hidden(names: &[String]) -> Result<Vec<HeaderName>, BadSetting> {
    let bad = |name: &String| BadSetting { key: HIDE.key(), reason: format!("\"{name}\" is not a header name") };
    names.iter().map(|name| name.parse().map_err(|_| bad(name))).collect()
}

/// Every value can stand in a header.
pub(super) fn demands(values: &Values, situation: &Situation) -> Vec<Complaint> {
    let complaint = |bad: BadSetting| Complaint {
        key: Some(bad.key),
        what: bad.reason,
        help: "write the value as it should stand in the header, or leave it empty for no header".to_owned(),
    };
    SecurityHeadersGuard::read(values, situation.environment).err().map(complaint).into_iter().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_that_most_answers_have_are_told_from_hidden_ones_by_their_marks() {
        let hidden = ["server", "x-powered-by", "x-aspnet-version", "x-aspnetmvc-version"].map(HeaderName::from_static);
        let common = [
            "cache-control",
            "connection",
            "content-encoding",
            "content-length",
            "content-type",
            "date",
            "etag",
            "last-modified",
            "link",
            "location",
            "ratelimit",
            "ratelimit-policy",
            "set-cookie",
            "vary",
            "x-ratelimit-limit",
            "x-ratelimit-remaining",
            "x-ratelimit-reset",
            "x-request-id",
        ];
        for name in common {
            assert_eq!(mark(&HeaderName::from_static(name)) & marks(hidden.iter()), 0, "{name}");
        }
    }
}
