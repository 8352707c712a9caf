//! What is wanted of a key that is to be made, checked before it is.

use seawall_core::{
    http::{Network, Networks},
    limit::{Quota, ScopedQuota},
    scope::Scope,
    settings::{Span, nearest},
};

use crate::IdentityError;

/// The longest label, in characters.
const LONGEST_LABEL: usize = 100;
/// The most scopes of one key: the application is told all of them with each request.
const MOST_SCOPES: usize = 32;
/// The most networks of one key.
const MOST_NETWORKS: usize = 32;
/// How soon a key may end, and how late.
const SHORTEST: Span = Span::from_ms(60_000);
const LONGEST: Span = Span::from_ms(10 * 365 * 86_400_000);

/// How long a key that was rotated goes on, unless told otherwise.
pub const OVERLAP: &str = "24h";
/// How long it may go on at most.
const LONGEST_OVERLAP: Span = Span::from_ms(31 * 86_400_000);

/// A key that is to be made, as it was asked for.
#[derive(Clone, Debug, Default)]
pub struct NewKey {
    /// What it is for, in its owner's words.
    pub label: String,
    /// What it may be used for.
    pub scopes: Vec<String>,
    /// From where it may be used; none is anywhere.
    pub networks: Vec<String>,
    /// How often, such as `100/min`.
    pub rate: Option<String>,
    /// After which time it ends, such as `90day`.
    pub expires_in: Option<String>,
    /// The id of the organisation that it acts for.
    pub organisation: Option<String>,
}

/// What was asked for, checked.
#[derive(Clone, Debug)]
pub(crate) struct Wish {
    pub(crate) label: String,
    pub(crate) scopes: String,
    pub(crate) networks: String,
    pub(crate) rate: Option<String>,
    pub(crate) organisation: Option<String>,
    pub(crate) lasts_us: Option<i64>,
}

impl Wish {
    /// Checks it; scopes have to be among those that there are.
    pub(crate) fn of(new: &NewKey, known: &[Scope]) -> Result<Self, IdentityError> {
        let wrong = |field| move |why| IdentityError::InvalidField { field, why };
        let label = new.label.trim();
        if label.is_empty() || label.chars().count() > LONGEST_LABEL || label.chars().any(char::is_control) {
            let why = format!("a key needs a label that says what it is for: 1 to {LONGEST_LABEL} characters");
            return Err(wrong("label")(why));
        }
        let scopes = new.scopes.iter().map(|scope| known_scope(scope, known)).collect::<Result<Vec<_>, _>>();
        let mut scopes = scopes.map_err(wrong("scopes"))?;
        scopes.sort_unstable();
        scopes.dedup();
        for (field, count, most) in
            [("scopes", scopes.len(), MOST_SCOPES), ("networks", new.networks.len(), MOST_NETWORKS)]
        {
            if count > most {
                return Err(wrong(field)(format!("a key has {most} {field} at most")));
            }
        }
        let networks = new.networks.iter().map(|text| network(text)).collect::<Result<Vec<_>, _>>();
        let networks = networks.map_err(wrong("networks"))?;
        let rate = new.rate.as_deref().map(Quota::parse_for_key).transpose().map_err(wrong("rate"))?;
        let lasts = new.expires_in.as_deref().map(|text| span(text, SHORTEST, LONGEST)).transpose();
        let lasts = lasts.map_err(wrong("expires_in"))?;
        Ok(Self {
            label: label.to_owned(),
            scopes: joined(scopes.iter().map(|scope| scope.as_str().to_owned())),
            networks: joined(networks.iter().map(Network::to_string)),
            rate: rate.map(|rate| format!("{}/{}", rate.limit, rate.window)),
            organisation: new.organisation.clone(),
            lasts_us: lasts.map(us),
        })
    }
}

/// How long a key that is rotated goes on, in microseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Overlap(pub(crate) i64);

impl Overlap {
    /// Reads it; [`OVERLAP`] when it is not said.
    ///
    /// # Errors
    /// [`IdentityError::InvalidField`].
    pub fn parse(text: Option<&str>) -> Result<Self, IdentityError> {
        let overlap = span(text.unwrap_or(OVERLAP), Span::from_ms(0), LONGEST_OVERLAP);
        overlap.map(|span| Self(us(span))).map_err(|why| IdentityError::InvalidField { field: "overlap", why })
    }
}

/// The scopes that the table keeps.
pub(crate) fn scopes(text: &str) -> Vec<Scope> {
    text.split(',').filter_map(|name| Scope::parse(name).ok()).collect()
}

/// The networks that the table keeps; nothing when one cannot be read, so that no key holds in more places than it was given for.
pub(crate) fn networks(text: &str) -> Option<Networks> {
    let parts = text.split(',').filter(|part| !part.is_empty());
    parts.map(Network::parse).collect::<Option<Vec<_>>>().map(Networks::from)
}

/// The rate that the table keeps. Its counter is named by the window alone, so that another number holds for what was counted.
pub(crate) fn rate(text: &str) -> Option<ScopedQuota> {
    let quota = Quota::parse_for_key(text).ok()?;
    Some(ScopedQuota::named(&format!("api_key\n{}", quota.window), quota))
}

fn known_scope(text: &str, known: &[Scope]) -> Result<Scope, String> {
    if let Some(scope) = known.iter().find(|scope| scope.as_str() == text.trim()) {
        return Ok(scope.clone());
    }
    let text: String = text.chars().take(64).collect();
    let help = match nearest(&text, known.iter().map(Scope::as_str)) {
        Some(near) => format!("did you mean \"{near}\"?"),
        None if known.is_empty() => "there are none; the operator names them as `scopes` in [identity]".to_owned(),
        None => format!("there are {}", joined(known.iter().map(Scope::to_string))),
    };
    Err(format!("\"{}\" is no scope here; {help}", text.escape_debug()))
}

fn network(text: &str) -> Result<Network, String> {
    let unfit = || {
        let text: String = text.chars().take(64).collect();
        format!("\"{}\" is not an address or a network such as \"10.0.0.0/8\"", text.escape_debug())
    };
    Network::parse(text).ok_or_else(unfit)
}

fn span(text: &str, least: Span, most: Span) -> Result<Span, String> {
    let numbered = text.trim_start().starts_with(|sign: char| sign.is_ascii_digit());
    let unfit = || {
        let text: String = text.chars().take(64).collect();
        format!("\"{}\" is no time from {least} to {most}, such as \"90day\"", text.escape_debug())
    };
    Span::parse(text).filter(|span| numbered && (least..=most).contains(span)).ok_or_else(unfit)
}

fn us(span: Span) -> i64 {
    i64::try_from(span.us()).unwrap_or(i64::MAX)
}

fn joined(parts: impl Iterator<Item = String>) -> String {
    parts.collect::<Vec<_>>().join(",")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn known() -> Vec<Scope> {
        ["orders:read", "orders:write"].map(|name| Scope::parse(name).unwrap()).to_vec()
    }

    fn asked() -> NewKey {
        NewKey { label: " nightly ".to_owned(), scopes: vec!["orders:write".to_owned()], ..NewKey::default() }
    }

    #[test]
    fn what_was_asked_for_is_kept_as_it_is_read() {
        let new = NewKey {
            scopes: ["orders:write", "orders:read", "orders:write"].map(str::to_owned).to_vec(),
            networks: ["10.1.2.3/8", "::ffff:192.0.2.1", "2001:db8::/32"].map(str::to_owned).to_vec(),
            rate: Some("1,000/hour".to_owned()),
            expires_in: Some("90 days".to_owned()),
            ..asked()
        };
        let wish = Wish::of(&new, &known()).unwrap();
        assert_eq!((&*wish.label, &*wish.scopes), ("nightly", "orders:read,orders:write"));
        assert_eq!((&*wish.networks, wish.rate.as_deref()), ("10.0.0.0/8,192.0.2.1/32,2001:db8::/32", Some("1000/1h")));
        assert_eq!(wish.lasts_us, Some(90 * 86_400_000_000));
        assert_eq!(scopes(&wish.scopes), known());
        let networks = networks(&wish.networks).unwrap();
        for (address, holds) in
            [("10.9.9.9", true), ("::ffff:10.9.9.9", true), ("192.0.2.2", false), ("2001:db8::9", true), ("::1", false)]
        {
            assert_eq!(networks.contains(address.parse().unwrap()), holds, "{address}");
        }
        assert_eq!(rate("1000/1h").unwrap().quota.limit, 1_000);
        assert_eq!(rate("1000/1h").unwrap().scope, rate("5/1h").unwrap().scope);
        assert!(super::networks("10.0.0.0/8,nonsense").is_none());
    }

    #[test]
    fn mistakes_are_explained_and_scopes_told_by_the_nearest_name() {
        let fault = |new: NewKey, known: &[Scope]| Wish::of(&new, known).unwrap_err().to_string();
        for (new, part) in [
            (NewKey { label: " ".to_owned(), ..asked() }, "needs a label"),
            (NewKey { label: "a\nb".to_owned(), ..asked() }, "needs a label"),
            (NewKey { scopes: vec!["order:read".to_owned()], ..asked() }, "did you mean \"orders:read\"?"),
            (NewKey { scopes: vec!["unrelated".to_owned()], ..asked() }, "there are orders:read,orders:write"),
            (NewKey { networks: vec!["10.0.0.0/40".to_owned()], ..asked() }, "not an address or a network"),
            (NewKey { rate: Some("often".to_owned()), ..asked() }, "is not a rate"),
            (NewKey { expires_in: Some("1s".to_owned()), ..asked() }, "is no time from 1min"),
            (NewKey { expires_in: Some("day".to_owned()), ..asked() }, "is no time"),
        ] {
            let fault = fault(new, &known());
            assert!(fault.contains(part), "{fault}");
        }
        assert!(fault(asked(), &[]).contains("names them as `scopes` in [identity]"));
        assert_eq!(Overlap::parse(None).unwrap(), Overlap(86_400_000_000));
        assert_eq!(Overlap::parse(Some("0s")).unwrap(), Overlap(0));
        assert!(Overlap::parse(Some("60 days")).is_err());
    }
}
