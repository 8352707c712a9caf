//! One version, and what an answer says of its end.

use std::sync::Arc;

use http::{HeaderName, HeaderValue, header::LINK};
use seawall_core::{
    clock::Now,
    meter::{Handle, Meter},
    problem::Problem,
    settings::{BadSetting, Values},
};

use super::{
    GONE, REQUESTS,
    config::{DEPRECATED, DOCUMENTATION, SUCCESSOR, SUNSET},
};
use crate::AnswerHead;

static DEPRECATION: HeaderName = HeaderName::from_static("deprecation");
static SUNSET_FIELD: HeaderName = HeaderName::from_static("sunset");

/// One version.
#[derive(Debug)]
pub(super) struct Version {
    pub(super) name: Arc<str>,
    /// Counts its requests.
    pub(super) requests: Handle,
    /// Whether it is remembered who uses it.
    pub(super) ends: bool,
    deprecation: Option<HeaderValue>,
    sunset: Option<HeaderValue>,
    gone_at_unix_us: Option<u64>,
    links: Box<[HeaderValue]>,
    gone: String,
}

impl Version {
    /// Reads the settings of one; `successor` makes the address of what follows it out of its name.
    pub(super) fn read(
        name: &str,
        values: &Values,
        meter: &dyn Meter,
        successor: impl Fn(&str) -> Result<Option<String>, String>,
    ) -> Result<Self, BadSetting> {
        let (deprecated, sunset) = (values.find(&DEPRECATED)?, values.find(&SUNSET)?);
        let follows = values.find(&SUCCESSOR)?;
        let bad = |key, reason| BadSetting { key, reason };
        let address = match &follows {
            Some(follows) => successor(follows).map_err(|reason| bad(SUCCESSOR.key(), reason))?,
            None => None,
        };
        let link = |key, target: Option<String>, relation: &str| {
            let value = target.map(|target| HeaderValue::try_from(format!("<{target}>; rel=\"{relation}\"")));
            value.transpose().map_err(|_| bad(key, "it cannot stand in a field".to_owned()))
        };
        let links = [
            link(DOCUMENTATION.key(), values.find(&DOCUMENTATION)?, "deprecation")?,
            link(SUCCESSOR.key(), address, "successor-version")?,
        ];
        let onward = follows.map(|follows| format!(" Use {follows} instead.")).unwrap_or_default();
        let since = sunset.map(|day| format!(" ended on {day}")).unwrap_or_default();
        Ok(Self {
            name: name.into(),
            requests: meter.series(&REQUESTS, &[name]),
            ends: deprecated.is_some() || sunset.is_some(),
            // A date of structured fields (RFC 9745 section 2.1).
            deprecation: deprecated
                .map(|day| HeaderValue::try_from(format!("@{}", day.begins_at_unix_s())))
                .transpose()
                .map_err(|_| bad(DEPRECATED.key(), "it cannot stand in a field".to_owned()))?,
            sunset: sunset
                .map(|day| HeaderValue::try_from(day.http_date()))
                .transpose()
                .map_err(|_| bad(SUNSET.key(), "it cannot stand in a field".to_owned()))?,
            gone_at_unix_us: sunset.map(|day| day.begins_at_unix_s().saturating_mul(1_000_000)),
            links: links.into_iter().flatten().collect(),
            gone: format!("Version {name} of this API{since}.{onward}"),
        })
    }

    /// Whether this is its name.
    pub(super) fn is_spelled(&self, named: &[u8]) -> bool {
        named.eq_ignore_ascii_case(self.name.as_bytes())
    }

    /// Whether a request names it so: by its name, or the number alone.
    pub(super) fn is_named(&self, named: &[u8]) -> bool {
        let name = self.name.as_bytes();
        let number = match name.split_first() {
            Some((b'v' | b'V', number)) if number.first().is_some_and(u8::is_ascii_digit) => number,
            _ => name,
        };
        self.is_spelled(named) || named == number
    }

    /// Whether its last day has come.
    pub(super) fn has_ended(&self, now: Now) -> bool {
        self.gone_at_unix_us.is_some_and(|at| now.unix_us >= at)
    }

    /// What is answered then.
    pub(super) fn gone(&self) -> Problem {
        Problem::new(&GONE).detail(self.gone.clone())
    }

    /// Says of its end what the application does not say itself.
    pub(super) fn dress(&self, answer: &mut AnswerHead) {
        for (name, value) in [(&DEPRECATION, &self.deprecation), (&SUNSET_FIELD, &self.sunset)] {
            if let Some(value) = value {
                answer.headers.entry(name).or_insert_with(|| value.clone());
            }
        }
        for link in &self.links {
            answer.headers.append(LINK, link.clone());
        }
    }
}
