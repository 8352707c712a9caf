//! A small schema like Seawall's own, and shorthands, for the tests of this crate.

use std::{collections::HashMap, io, path::Path};

use seawall_core::{
    Environment, Mode,
    http::{address::Network, origin::OriginPattern},
    limit::Quota,
    settings::{Complaint, Field, Literal, Raw, Secret, Section, Situation, Size, Span, Values},
};

use crate::{Alias, Config, Diagnostics, Inputs, Override, Preset, Schema, SourceText, load, top};

pub(crate) const URL: Field<String> = Field::new("url", Literal::Unset, "Where the application listens.");
pub(crate) const WAIT: Field<Span> =
    Field::new("wait", Literal::Text("30s"), "Longest wait for an answer.").between("1s", "10min");
pub(crate) const MAX: Field<Size> =
    Field::new("max", Literal::Text("10 MB"), "Largest request body.").between("1 KB", "1 GB");
pub(crate) const LIMITS: Field<Vec<Quota>> =
    Field::new("limits", Literal::Texts(&["300/min per ip"]), "How many requests are let through.");
pub(crate) const MODE: Field<Mode> = Field::new("mode", Literal::Unset, "The guard's own mode.");
pub(crate) const ORIGINS: Field<Vec<OriginPattern>> =
    Field::new("origins", Literal::Texts(&[]), "Web pages that may call the API.");
pub(crate) const PORT: Field<u64> =
    Field::new("port", Literal::Integer(8080), "The port to listen on.").between("1", "65535").needs_restart();
pub(crate) const TRUSTED: Field<Vec<Network>> =
    Field::new("trusted", Literal::Texts(&[]), "Proxies whose forwarded addresses are believed.");
pub(crate) const STRICT: Field<bool> = Field::new("strict", Literal::Flag(true), "Whether to refuse odd requests.");
pub(crate) const TOKEN: Field<Secret> = Field::new("token", Literal::Unset, "Signs sessions.").needs_restart();
pub(crate) const LEVEL: Field<String> = Field::new("level", Literal::Text("info"), "What is logged.");
pub(crate) const EVERY: Field<Span> = Field::new("every", Literal::Text("10s"), "How often to look.");
pub(crate) const TCP: Field<String> = Field::new("tcp", Literal::Unset, "An address to connect to.");

pub(crate) static TOP: Section =
    Section::new("", "Keys at the top.", &[top::ENVIRONMENT.spec(), top::MODE.spec(), top::PRESET.spec()]);
pub(crate) static UPSTREAM: Section = Section::new("upstream", "The application.", &[URL.spec(), WAIT.spec()]);
pub(crate) static SERVER: Section =
    Section::new("server", "The listener.", &[PORT.spec(), TRUSTED.spec(), STRICT.spec()]);
pub(crate) static BODY: Section = Section::new("body", "Size of bodies.", &[MODE.spec(), MAX.spec()]).per_route();
pub(crate) static RATE_LIMIT: Section =
    Section::new("rate_limit", "How often a client may ask.", &[MODE.spec(), LIMITS.spec()]).per_route();
pub(crate) static CORS: Section = Section::new("cors", "Which web pages may call.", &[ORIGINS.spec()])
    .per_route()
    .with_demands(|values, situation| {
        let any = values.get(&ORIGINS).is_ok_and(|origins| origins.contains(&OriginPattern::Any));
        let refused = any && situation.environment == Environment::Production;
        refused
            .then(|| complaint("origins", "\"*\" lets every page in, which production refuses"))
            .into_iter()
            .collect()
    });
pub(crate) static SESSIONS: Section =
    Section::new("sessions", "Signing in.", &[TOKEN.spec()]).with_demands(token_is_long);
pub(crate) static HEALTH: Section = Section::new("health", "What must be up.", &[EVERY.spec()])
    .with_entries(&[TCP.spec(), TOKEN.spec()])
    .with_entry_demands(|_, values, _| match values.find(&TCP) {
        Ok(None) => vec![Complaint { key: None, what: "nothing to look at".to_owned(), help: "add tcp".to_owned() }],
        _ => Vec::new(),
    });
pub(crate) static LOG: Section = Section::new("log", "Logging.", &[LEVEL.spec()]);

fn complaint(key: &'static str, what: &str) -> Complaint {
    Complaint {
        key: Some(key),
        what: what.to_owned(),
        help: "list each origin, such as \"https://app.example.com\"".to_owned(),
    }
}

fn token_is_long(values: &Values, situation: &Situation) -> Vec<Complaint> {
    let short = match values.find(&TOKEN) {
        Ok(Some(token)) => token.expose().len() < 32,
        _ => situation.environment == Environment::Production,
    };
    let help = "make one with: openssl rand -hex 32".to_owned();
    let what = "a secret of at least 32 characters is needed".to_owned();
    short.then_some(Complaint { key: Some("token"), what, help }).into_iter().collect()
}

pub(crate) fn schema() -> Schema {
    Schema {
        sections: vec![&TOP, &UPSTREAM, &SERVER, &BODY, &RATE_LIMIT, &CORS, &SESSIONS, &HEALTH, &LOG],
        presets: vec![
            Preset {
                name: "api",
                documentation: "A JSON API.",
                toml: "[body]\nmax = \"1 MB\"\n[rate_limit]\nlimits = \"60/min per ip\"\n[route.\"POST /login\"]\nrate_limit.limits = [\"5/15min per ip\"]\n",
            },
            Preset { name: "uploads", documentation: "Large bodies.", toml: "[body]\nmax = \"1 GB\"\n" },
        ],
        aliases: vec![Alias { variable: "LOG_LEVEL", section: "log", key: "level" }],
    }
}

/// What a test gives to `load`.
#[derive(Clone, Default)]
pub(crate) struct Given<'a> {
    pub(crate) file: Option<&'a str>,
    pub(crate) dotenv: Option<&'a str>,
    pub(crate) variables: &'a [(&'a str, &'a str)],
    pub(crate) options: &'a [(&'a str, &'a str, &'a str)],
    pub(crate) files: &'a [(&'a str, &'a str)],
}

impl Given<'_> {
    pub(crate) fn load(&self) -> Result<Config, Diagnostics> {
        let files: HashMap<&str, &str> = self.files.iter().copied().collect();
        let read = |path: &Path| -> io::Result<String> {
            let found = files.get(path.to_str().unwrap_or_default());
            found.map(|text| (*text).to_owned()).ok_or_else(|| io::ErrorKind::NotFound.into())
        };
        let pair = |&(name, value): &(&str, &str)| (name.to_owned(), value.to_owned());
        let option = |&(section, key, value): &(&str, &str, &str)| Override {
            section: section.to_owned(),
            key: key.to_owned(),
            value: Raw::Text(value.to_owned()),
            name: format!("--{key}"),
        };
        let inputs = Inputs {
            file: self.file.map(|text| SourceText::new("seawall.toml", text)),
            dotenv: self.dotenv.map(|text| SourceText::new(".env", text)),
            variables: self.variables.iter().map(pair).collect(),
            overrides: self.options.iter().map(option).collect(),
            read_file: &read,
        };
        load(&schema(), inputs)
    }
}

/// Loads a file alone.
pub(crate) fn file(text: &str) -> Result<Config, Diagnostics> {
    Given { file: Some(text), ..Given::default() }.load()
}

/// What an operator reads about a file.
pub(crate) fn complaints(text: &str) -> String {
    given(&Given { file: Some(text), ..Given::default() })
}

/// What an operator reads about everything that was given.
pub(crate) fn given(given: &Given<'_>) -> String {
    let problems = given.load().expect_err("a mistake");
    format!("problems: {}\n{problems}", problems.iter().count())
}
