//! Section `[health]` and its entries `[health.NAME]`.

use std::{path::Path, time::Duration};

use seawall_core::{
    http::RoutePattern,
    settings::{
        BadSetting, Complaint, Field, FieldSpec, Literal, Raw, Section, Setting, Shape, Situation, Span, Values, choice,
    },
};
use seawall_store::DatabaseUrl;

use crate::app::tiny_http::Url;

/// How much the public health answers show.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Show {
    /// One word.
    Status,
    /// The word and each check's.
    Checks,
    /// All that is known.
    All,
}

impl Setting for Show {
    const SHAPE: Shape = Shape::Choice(&["status", "checks", "all"]);

    fn read(raw: &Raw) -> Result<Self, String> {
        choice(raw, &[("status", Self::Status), ("checks", Self::Checks), ("all", Self::All)])
    }
}

/// A host and a port to connect to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Tcp(String, u16);

impl Setting for Tcp {
    const SHAPE: Shape = Shape::Text("host and port", "127.0.0.1:5432");

    fn read(raw: &Raw) -> Result<Self, String> {
        let wrong = || "expected a host and a port as text, such as \"127.0.0.1:5432\"".to_owned();
        let Raw::Text(text) = raw else { return Err(wrong()) };
        let (host, port) = text.rsplit_once(':').ok_or_else(wrong)?;
        let port = port.parse().map_err(|_| wrong())?;
        if host.is_empty() || port == 0 {
            Err(wrong())
        } else {
            Ok(Self(host.trim_matches(['[', ']']).to_owned(), port))
        }
    }
}

/// A page that must be there, or a database that must answer.
#[derive(Clone, Debug)]
enum Address {
    Page(Url),
    Database(DatabaseUrl),
}

impl Setting for Address {
    // A database's may hold a password.
    const SHAPE: Shape = Shape::Address;

    fn read(raw: &Raw) -> Result<Self, String> {
        match raw {
            Raw::Text(text) if text.contains("://") && !text.trim_start().starts_with("http") => {
                let wrong = |reason| format!("{reason}, or http://HOST/PATH");
                DatabaseUrl::parse(text.trim()).map(Self::Database).map_err(wrong)
            }
            Raw::Text(text) => Url::parse(text.trim()).map(Self::Page),
            other => {
                Err(format!("expected a URL as text, such as \"http://localhost:3000/health\", found {}", other.kind()))
            }
        }
    }
}

const LIVE_PATHS: Field<Vec<String>> = Field::new(
    "live_paths",
    Literal::Texts(&[]),
    "Paths of your own at which `live` is answered too, such as \"/api/health\". They no longer reach the application.",
);
const READY_PATHS: Field<Vec<String>> = Field::new(
    "ready_paths",
    Literal::Texts(&[]),
    "Paths of your own at which `ready` is answered too, such as \"/api/health/ready\". They no longer reach the application.",
);
const SHOW: Field<Show> = Field::new(
    "show",
    Literal::Text("status"),
    "How much the public answers show: one word (`status`), the state of each check (`checks`), or also version, uptime and memory (`all`). The admin listener shows all.",
);
const UPSTREAM: Field<bool> =
    Field::new("upstream", Literal::Flag(true), "Whether `ready` wants the application to accept connections.");

const URL: Field<Address> = Field::new(
    "url",
    Literal::Unset,
    "An `http://` address that must answer with a 2xx or 3xx status, or a database that must answer a query: `postgres://USER:PASSWORD@HOST/DATABASE` or `sqlite://PATH`, relative to the configuration file.",
);
const TCP: Field<Tcp> =
    Field::new("tcp", Literal::Unset, "A host and port that must accept connections, such as a database's.");
const TIMEOUT: Field<Span> =
    Field::new("timeout", Literal::Text("3s"), "How long the check may take (checklist WK-6: 3 s).")
        .between("10ms", "30s");
const REQUIRED: Field<bool> =
    Field::new("required", Literal::Flag(true), "Whether `ready` fails with the check; otherwise it is only shown.");

const ENTRIES: &[FieldSpec] = &[URL.spec(), TCP.spec(), TIMEOUT.spec(), REQUIRED.spec()];

/// The section.
pub static SECTION: Section = Section::new(
    "health",
    "Health checks, and where they are answered. Each `[health.NAME]` is one dependency of the application.",
    &[LIVE_PATHS.spec(), READY_PATHS.spec(), SHOW.spec(), UPSTREAM.spec()],
)
.with_entries(ENTRIES)
.with_demands(demands)
.with_entry_demands(entry_demands);

/// What is checked, and where it is answered.
#[derive(Clone, Debug)]
pub struct HealthSettings {
    /// Further paths of `live`.
    pub live_paths: Vec<String>,
    /// Further paths of `ready`.
    pub ready_paths: Vec<String>,
    /// How much is shown.
    pub show: Show,
    /// Whether the application itself is checked.
    pub upstream: bool,
    /// The dependencies.
    pub checks: Vec<Check>,
    /// Whether readiness depends on shared counters.
    pub counters_required: bool,
}

/// One dependency.
#[derive(Clone, Debug)]
pub struct Check {
    /// Its name.
    pub name: String,
    /// What must work.
    pub probe: Probe,
    /// How long it may take.
    pub timeout: Duration,
    /// Whether readiness depends on it.
    pub required: bool,
}

/// What a check does.
#[derive(Clone, Debug)]
pub enum Probe {
    /// Ask for a page.
    Http(Url),
    /// Ask a database.
    Database(DatabaseUrl),
    /// Connect.
    Tcp(String, u16),
}

impl HealthSettings {
    /// Reads the settings.
    ///
    /// # Errors
    /// [`BadSetting`] when they are not checked settings of the section.
    pub fn read(values: &Values, entries: &[(String, Values)]) -> Result<Self, BadSetting> {
        let checks = entries.iter().map(|(name, values)| Check::read(name, values));
        Ok(Self {
            live_paths: values.get(&LIVE_PATHS)?,
            ready_paths: values.get(&READY_PATHS)?,
            show: values.get(&SHOW)?,
            upstream: values.get(&UPSTREAM)?,
            checks: checks.collect::<Result<_, _>>()?,
            counters_required: false,
        })
    }

    /// With readiness depending on shared counters, or not.
    #[must_use]
    pub const fn with_counters_required(mut self, required: bool) -> Self {
        self.counters_required = required;
        self
    }
}

impl HealthSettings {
    /// The same; a database's relative path begins in `directory`.
    #[must_use]
    pub fn within(mut self, directory: &Path) -> Self {
        for check in &mut self.checks {
            if let Probe::Database(url) = &mut check.probe {
                *url = url.clone().within(directory);
            }
        }
        self
    }
}

impl Check {
    fn read(name: &str, values: &Values) -> Result<Self, BadSetting> {
        let probe = match (values.find(&URL)?, values.find(&TCP)?) {
            (Some(Address::Page(url)), _) => Probe::Http(url),
            (Some(Address::Database(url)), _) => Probe::Database(url),
            (None, Some(Tcp(host, port))) => Probe::Tcp(host, port),
            (None, None) => {
                return Err(BadSetting { key: URL.key(), reason: format!("the check {name} has neither url nor tcp") });
            }
        };
        Ok(Self {
            name: name.to_owned(),
            probe,
            timeout: values.get(&TIMEOUT)?.duration(),
            required: values.get(&REQUIRED)?,
        })
    }
}

/// Every alias is one plain path of its own.
fn demands(values: &Values, _: &Situation) -> Vec<Complaint> {
    let help = "write a plain path, such as \"/api/health\", and each only once".to_owned();
    let complaint = |key, what| Complaint { key: Some(key), what, help: help.clone() };
    let mut complaints = Vec::new();
    let mut known: Vec<RoutePattern> = Vec::new();
    for field in [&LIVE_PATHS, &READY_PATHS] {
        for path in values.get(field).unwrap_or_default() {
            match plain_path(&path) {
                Ok(pattern) if known.iter().any(|other| other.collides(&pattern)) => {
                    complaints.push(complaint(field.key(), format!("\"{path}\" is named twice")));
                }
                Ok(pattern) => known.push(pattern),
                Err(what) => complaints.push(complaint(field.key(), what)),
            }
        }
    }
    complaints
}

fn plain_path(path: &str) -> Result<RoutePattern, String> {
    let pattern = RoutePattern::parse(path)?;
    if pattern.plain() {
        Ok(pattern)
    } else {
        Err(format!("\"{path}\" is a pattern; a health check answers at one path"))
    }
}

fn entry_demands(_: &str, values: &Values, _: &Situation) -> Vec<Complaint> {
    let given = [URL.key(), TCP.key()].into_iter().filter(|key| values.raw(key).is_some()).count();
    let what = match given {
        0 => "the check says neither `url` nor `tcp`, so there is nothing to check",
        1 => return Vec::new(),
        _ => "the check says both `url` and `tcp`; one check does one thing",
    };
    let help = "give it `url = \"http://…\"`, `url = \"postgres://…\"` or `tcp = \"HOST:PORT\"`".to_owned();
    vec![Complaint { key: None, what: what.to_owned(), help }]
}
