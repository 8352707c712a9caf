//! Entries `[outbound.NAME]`: one service each.

use std::time::Duration;

use http::{HeaderName, HeaderValue, Uri};
use seawall_core::{
    http::RoutePattern,
    resilience::{Backoff, BreakerSettings, RateSettings, RetryRules},
    settings::{
        BadSetting, Complaint, Field, FieldSpec, Literal, Raw, Secret, Setting, Shape, Situation, Size, Span, Values,
    },
};
use seawall_resilience::Clocks;

use super::audit::CHANGING;
use crate::{client::Reach, endpoint::EndpointSettings};

/// Statuses by which a service says that it may be well in a moment.
const PASSING: [u16; 4] = [429, 502, 503, 504];

const URL: Field<BaseUrl> = Field::new(
    "url",
    Literal::Unset,
    "Where the service is, such as \"https://api.example.com/v1\"; what follows the name in a call is added to it.",
);
const SECRET: Field<Secret> = Field::new(
    "secret",
    Literal::Unset,
    "The service's key, which Seawall adds to each call; the application never has it. A field of the same name that the call brings is replaced.",
);
const SECRET_IN: Field<Slot> = Field::new(
    "secret_in",
    Literal::Text("Authorization: Bearer {}"),
    "Where the key goes: a header field with `{}` for the key, or a parameter of the query as \"?key={}\".",
);
const ALLOW: Field<Vec<RoutePattern>> = Field::new(
    "allow",
    Literal::Texts(&["GET /*"]),
    "What may be asked of it: methods and paths, such as \"POST /search\". Paths are those after the name.",
);
const AUDIT: Field<Vec<RoutePattern>> = Field::new(
    "audit",
    Literal::Texts(CHANGING),
    "Calls that the audit log has: each with an entry before it is made and one when it is answered. [] writes none.",
);
const TIMEOUT: Field<Span> = Field::new(
    "timeout",
    Literal::Text("5s"),
    "How long all attempts of a call may take together, up to the last byte of the answer (checklist PL-9: 5 s).",
)
.between("10ms", "1h");
const CONNECT_TIMEOUT: Field<Span> = Field::new(
    "connect_timeout",
    Literal::Text("2s"),
    "How long resolving the name, connecting and encrypting may take.",
)
.between("1ms", "5min");
const FIRST_BYTE_TIMEOUT: Field<Span> =
    Field::new("first_byte_timeout", Literal::Text("5s"), "How long the answer of one attempt may take to begin.")
        .between("1ms", "1h");
const IDLE_TIMEOUT: Field<Span> =
    Field::new("idle_timeout", Literal::Text("5s"), "How long an answer may pause in its middle.").between("1ms", "1h");
const ATTEMPTS: Field<u64> = Field::new(
    "attempts",
    Literal::Integer(3),
    "Attempts in all. A second one is made when nothing was sent, after a 429, and after other failures when the method is idempotent or the call has an `Idempotency-Key`.",
)
.between("1", "10");
const RETRY_AFTER_FIRST: Field<Span> = Field::new(
    "backoff",
    Literal::Text("100ms"),
    "The longest wait before the second attempt; each further one may be twice as long, up to 5 s. What a service asks for by `Retry-After` is waited for, unless the time is over before.",
)
.between("1ms", "1min");
const BREAKER_FAILURES: Field<u64> = Field::new(
    "breaker_failures",
    Literal::Integer(5),
    "Failures in a row after which the service is left alone (checklist PL-13).",
)
.between("1", "10000");
const BREAKER_SUCCESSES: Field<u64> =
    Field::new("breaker_successes", Literal::Integer(2), "Successes after which it is asked as before.")
        .between("1", "10000");
const BREAKER_OPEN: Field<Span> =
    Field::new("breaker_open", Literal::Text("60s"), "How long it is left alone.").between("100ms", "1h");
const BREAKER_CALLS: Field<u64> = Field::new(
    "breaker_calls",
    Literal::Integer(20),
    "On how many of the last calls the shares look back; with fewer calls no share counts.",
)
.between("1", "128");
const BREAKER_FAILED_PERCENT: Field<u64> = Field::new(
    "breaker_failed_percent",
    Literal::Integer(0),
    "The share of the last calls, in percent, which when it failed has the service left alone too; 0 looks at failures in a row only.",
)
.between("0", "100");
const BREAKER_SLOW: Field<Span> = Field::new(
    "breaker_slow",
    Literal::Text("2s"),
    "From which time to the first byte on a call counts as slow, for `breaker_slow_percent`.",
)
.between("1ms", "1h");
const BREAKER_SLOW_PERCENT: Field<u64> = Field::new(
    "breaker_slow_percent",
    Literal::Integer(0),
    "The share of the last calls, in percent, which when it was slow has the service left alone too; 0 does not look at time.",
)
.between("0", "100");
const AT_ONCE: Field<u64> =
    Field::new("at_once", Literal::Integer(64), "Calls that may be under way at once.").between("1", "100000");
const WAITING: Field<u64> =
    Field::new("waiting", Literal::Integer(256), "Calls that may wait for their turn; those beyond are answered 503.")
        .between("0", "100000");
const CACHE: Field<Span> = Field::new(
    "cache",
    Literal::Text("0s"),
    "How long answers of 200 to GET are kept and given again; calls for what is being asked already wait for that one answer. 0s keeps none. `Cache-Control: no-store` of either side is heeded.",
)
.between("0s", "30days");
const CACHE_SIZE: Field<Size> =
    Field::new("cache_size", Literal::Text("16mb"), "How much is kept; an answer of more than a tenth of it is not.")
        .between("64kb", "16gb");
const PRIVATE_ADDRESSES: Field<bool> = Field::new(
    "private_addresses",
    Literal::Flag(false),
    "Whether the name may lead to this machine or its networks. An address or `localhost` in `url` is meant as it stands.",
);

/// The fields of an entry.
pub(crate) const FIELDS: &[FieldSpec] = &[
    URL.spec(),
    SECRET.spec(),
    SECRET_IN.spec(),
    ALLOW.spec(),
    AUDIT.spec(),
    TIMEOUT.spec(),
    CONNECT_TIMEOUT.spec(),
    FIRST_BYTE_TIMEOUT.spec(),
    IDLE_TIMEOUT.spec(),
    ATTEMPTS.spec(),
    RETRY_AFTER_FIRST.spec(),
    BREAKER_FAILURES.spec(),
    BREAKER_SUCCESSES.spec(),
    BREAKER_OPEN.spec(),
    BREAKER_CALLS.spec(),
    BREAKER_FAILED_PERCENT.spec(),
    BREAKER_SLOW.spec(),
    BREAKER_SLOW_PERCENT.spec(),
    AT_ONCE.spec(),
    WAITING.spec(),
    CACHE.spec(),
    CACHE_SIZE.spec(),
    PRIVATE_ADDRESSES.spec(),
];

/// Where a service is: scheme, host and the beginning of its paths.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct BaseUrl {
    scheme: &'static str,
    authority: String,
    path: String,
}

impl BaseUrl {
    /// A host of the internet, from its root.
    pub(crate) fn of_https(host: &str) -> Self {
        Self { scheme: "https", authority: host.to_owned(), path: String::new() }
    }

    /// Whether it is this host.
    pub(crate) fn is_host(&self, host: &str) -> bool {
        self.authority.eq_ignore_ascii_case(host)
    }

    /// Whether a call would go over a network in clear.
    pub(crate) fn in_clear(&self) -> bool {
        self.scheme == "http" && !local(&self.authority)
    }

    /// The address of a path below it, which begins with a slash or is empty.
    pub(crate) fn join(&self, path: &str, query: Option<&str>) -> Option<Uri> {
        let Self { scheme, authority, path: base } = self;
        let text = match query {
            Some(query) => format!("{scheme}://{authority}{base}{path}?{query}"),
            None => format!("{scheme}://{authority}{base}{path}"),
        };
        Uri::try_from(text).ok()
    }

    /// What a call to this address has after the name; nothing when it is not below the base.
    pub(crate) fn below<'a>(&self, uri: &'a Uri) -> Option<&'a str> {
        let default = if self.scheme == "https" { ":443" } else { ":80" };
        let plain = |authority: &str| authority.strip_suffix(default).unwrap_or(authority).to_ascii_lowercase();
        let same = uri.scheme_str() == Some(self.scheme) && plain(uri.authority()?.as_str()) == plain(&self.authority);
        let rest = uri.path_and_query()?.as_str().strip_prefix(self.path.as_str()).filter(|_| same)?;
        (rest.is_empty() || rest.starts_with(['/', '?'])).then_some(rest)
    }
}

impl Setting for BaseUrl {
    const SHAPE: Shape = Shape::Text("address", "https://api.example.com/v1");

    fn read(raw: &Raw) -> Result<Self, String> {
        let Raw::Text(text) = raw else { return Err(format!("expected an address as text, found {}", raw.kind())) };
        let wrong = || format!("\"{}\" is no address such as \"https://api.example.com/v1\"", text.escape_debug());
        let uri: Uri = text.trim().parse().map_err(|_| wrong())?;
        let authority = uri.authority().ok_or_else(wrong)?;
        if authority.as_str().contains('@') {
            return Err("an address holds no password; write it as `secret`".to_owned());
        }
        if uri.query().is_some() || text.contains('#') {
            return Err(format!("{}: without a query and a fragment", wrong()));
        }
        let scheme = match uri.scheme_str() {
            Some("https") => "https",
            Some("http") => "http",
            _ => return Err(format!("{}: it begins with https:// or http://", wrong())),
        };
        Ok(Self { scheme, authority: authority.to_string(), path: uri.path().trim_end_matches('/').to_owned() })
    }
}

/// Where a service's key goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Slot {
    /// A field: its name, and what stands before and behind the key.
    Field(HeaderName, String, String),
    /// A parameter of the query.
    Query(String),
}

impl Setting for Slot {
    const SHAPE: Shape = Shape::Text("place", "Authorization: Bearer {}");

    fn read(raw: &Raw) -> Result<Self, String> {
        let Raw::Text(text) = raw else { return Err(format!("expected text, found {}", raw.kind())) };
        let wrong = || {
            let text = text.escape_debug();
            format!(
                "\"{text}\" is no place for a key; write a field as \"Authorization: Bearer {{}}\" or a parameter as \"?key={{}}\""
            )
        };
        if let Some(parameter) = text.strip_prefix('?') {
            let name = parameter.strip_suffix("={}").ok_or_else(wrong)?;
            let plain =
                !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte));
            return if plain { Ok(Self::Query(name.to_owned())) } else { Err(wrong()) };
        }
        let (name, value) = text.split_once(':').ok_or_else(wrong)?;
        let name = name.trim().parse::<HeaderName>().map_err(|_| wrong())?;
        let (before, behind) = value.trim().split_once("{}").ok_or_else(wrong)?;
        let sound = |part: &str| HeaderValue::from_str(part).is_ok();
        if !sound(before) || !sound(behind) || behind.contains("{}") {
            return Err(wrong());
        }
        Ok(Self::Field(name, before.to_owned(), behind.to_owned()))
    }
}

/// A service, as configured.
#[derive(Clone, Debug)]
pub struct ExternalSettings {
    /// What it is called.
    pub name: String,
    pub(crate) base: BaseUrl,
    pub(crate) secret: Option<(Slot, Secret)>,
    pub(crate) allow: Vec<RoutePattern>,
    pub(crate) audit: Vec<RoutePattern>,
    pub(crate) endpoint: EndpointSettings,
    /// How long answers are kept; none are when nothing.
    pub(crate) cache: Option<Duration>,
    pub(crate) cache_bytes: u64,
}

impl ExternalSettings {
    /// Reads all.
    ///
    /// # Errors
    /// [`BadSetting`] when they are not checked settings.
    pub fn read(entries: &[(String, Values)]) -> Result<Vec<Self>, BadSetting> {
        entries.iter().map(|(name, values)| Self::one(name, values)).collect()
    }

    fn one(name: &str, values: &Values) -> Result<Self, BadSetting> {
        let span = |field| values.get(field).map(Span::duration);
        let count = |field| values.get(field).map(|number: u64| u32::try_from(number).unwrap_or(u32::MAX));
        let places = |field| values.get(field).map(|number: u64| usize::try_from(number).unwrap_or(usize::MAX));
        let slot = values.get(&SECRET_IN)?;
        let rates = RateSettings {
            calls: count(&BREAKER_CALLS)?,
            failed_percent: count(&BREAKER_FAILED_PERCENT)?,
            slow_percent: count(&BREAKER_SLOW_PERCENT)?,
            slow: span(&BREAKER_SLOW)?,
        };
        Ok(Self {
            name: name.to_owned(),
            base: values.get(&URL)?,
            secret: values.find(&SECRET)?.map(|secret| (slot, secret)),
            allow: values.get(&ALLOW)?,
            audit: values.get(&AUDIT)?,
            endpoint: EndpointSettings {
                clocks: Clocks {
                    connect: span(&CONNECT_TIMEOUT)?,
                    first_byte: span(&FIRST_BYTE_TIMEOUT)?,
                    idle: span(&IDLE_TIMEOUT)?,
                    total: span(&TIMEOUT)?,
                },
                reach: if values.get(&PRIVATE_ADDRESSES)? { Reach::Anywhere } else { Reach::Internet },
                retry: RetryRules { attempts: count(&ATTEMPTS)?, statuses: PASSING.to_vec() },
                backoff: Backoff { first: span(&RETRY_AFTER_FIRST)?, ..Backoff::default() },
                breaker: BreakerSettings {
                    failures: count(&BREAKER_FAILURES)?,
                    successes: count(&BREAKER_SUCCESSES)?,
                    open: span(&BREAKER_OPEN)?,
                    rates: (rates.failed_percent + rates.slow_percent > 0).then_some(rates),
                    ..BreakerSettings::default()
                },
                places: (places(&AT_ONCE)?, places(&WAITING)?),
            },
            cache: Some(span(&CACHE)?).filter(|kept| !kept.is_zero()),
            cache_bytes: values.get(&CACHE_SIZE)?.bytes(),
        })
    }
}

/// What must hold in each entry.
pub(crate) fn demands(name: &str, values: &Values, _: &Situation) -> Vec<Complaint> {
    let mut complaints = Vec::new();
    let complain = |key, what: String, help: &str| Complaint { key, what, help: help.to_owned() };
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-' || byte == b'_';
    if !name.bytes().all(plain) {
        let what = format!("`{}` cannot stand in a path", name.escape_debug());
        complaints.push(complain(None, what, "name it by small letters, digits, - and _"));
    }
    match values.find(&URL) {
        Ok(None) => {
            let what = format!("nothing says where \"{name}\" is");
            complaints.push(complain(None, what, "write url = \"https://…\""));
        }
        Ok(Some(base)) => {
            let secret = values.find(&SECRET).is_ok_and(|secret| secret.is_some());
            let host = base.authority.split(':').next().unwrap_or_default();
            if secret && base.in_clear() {
                let what = format!("the key would go to {host} in clear");
                complaints.push(complain(Some(URL.key()), what, "use https://"));
            }
        }
        // Loading has told of it.
        Err(_) => {}
    }
    complaints
}

/// Whether an authority is this machine by its letters.
fn local(authority: &str) -> bool {
    let host =
        authority.parse::<http::uri::Authority>().map(|authority| authority.host().to_owned()).unwrap_or_default();
    let host = host.trim_matches(['[', ']']);
    host == "localhost" || host.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(text: &str) -> Raw {
        Raw::Text(text.to_owned())
    }

    #[test]
    fn addresses_below_the_base_are_told_from_others() {
        let base = BaseUrl::read(&text("https://api.example.com/v1/")).unwrap();
        assert_eq!(base.join("/a%20b", Some("q=1")).unwrap(), "https://api.example.com/v1/a%20b?q=1");
        assert_eq!(base.join("", None).unwrap(), "https://api.example.com/v1");
        for (uri, below) in [
            ("https://api.example.com/v1/x?y=z", Some("/x?y=z")),
            ("https://API.example.com:443/v1/x", Some("/x")),
            ("https://api.example.com/v1", Some("")),
            ("https://api.example.com/v10/x", None),
            ("http://api.example.com/v1/x", None),
            ("https://evil.example/v1/x", None),
            ("https://api.example.com.evil.example/v1/x", None),
            ("/v1/x", None),
        ] {
            assert_eq!(base.below(&uri.parse().unwrap()), below, "{uri}");
        }
    }

    #[test]
    fn mistakes_in_addresses_and_places_are_explained() {
        for wrong in ["api.example.com", "ftp://a", "https://", "https://a?b", "https://u:p@a"] {
            assert!(BaseUrl::read(&text(wrong)).is_err(), "{wrong}");
        }
        for wrong in ["Authorization", "A: b", "?key", "?=%7B%7D", "a b: {}", "A: {}{}", "?k=y={}"] {
            assert!(Slot::read(&text(wrong)).is_err(), "{wrong}");
        }
        assert_eq!(Slot::read(&text("?key={}")).unwrap(), Slot::Query("key".to_owned()));
        let field = Slot::Field(HeaderName::from_static("x-key"), String::new(), String::new());
        assert_eq!(Slot::read(&text("X-Key: {}")).unwrap(), field);
    }
}
