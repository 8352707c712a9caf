//! `seawall explain`: which guards a request meets, with which values, from where; or what a problem means.

use std::fmt::Write;

use seawall_config::{Config, Route};
use seawall_core::{
    Mode,
    http::{Routes, path},
    settings::Raw,
};
use seawall_guards::{GuardEntry, strict_http};
use serde_json::{Value, json};

use super::{CliError, Next, World, arguments::ExplainOptions, configuration, paint::Paint, problem};
use crate::app::{
    AppError,
    catalogue::{self, ORDER, Step},
    own::OwnRoutes,
    sites::Kind,
};

/// Where the limits of routes come from at which passwords are tried.
const SIGN_IN: &str = "sign_in_limits in [identity]";

/// Explains a request or a problem.
pub(super) fn explain(options: &ExplainOptions, world: &mut World<'_>) -> Result<Next, CliError> {
    match options.what.as_slice() {
        [name] => explain_problem(name, options.json, world),
        [method, path] => {
            let loaded = configuration::read(&options.file, Vec::new(), options.json, world)?;
            explain_request(&loaded.config, method, path, options.json, world)
        }
        _ => Err(CliError::Usage("error: name a method and a path, or a problem\n".to_owned())),
    }
}

fn explain_problem(name: &str, as_json: bool, world: &mut World<'_>) -> Result<Next, CliError> {
    let asked = name.rsplit('/').next().unwrap_or(name);
    let found = catalogue::problems()
        .find(|kind| kind.slug == asked)
        .or_else(|| catalogue::problems().find(|kind| kind.code.eq_ignore_ascii_case(asked)));
    let Some(kind) = found else {
        let known = catalogue::problems().map(|kind| kind.slug).collect::<Vec<_>>().join(", ");
        let hint = if name.starts_with('/') {
            format!("\n  help: to explain a request, name its method too: seawall explain GET {name}")
        } else {
            String::new()
        };
        return Err(CliError::Usage(format!("error: \"{name}\" is not a problem; known are {known}{hint}\n")));
    };
    if as_json {
        let body = json!({
            "slug": kind.slug, "code": kind.code, "status": kind.status.as_u16(), "title": kind.title, "retryable": kind.retryable,
            "fault": kind.fault.word(), "severity": kind.severity.word(), "documentation": kind.documentation,
        });
        world.say(&body.to_string())?;
    } else {
        world.say(&format!("{}\n{}", Paint { colours: world.colours }.bold(kind.slug), problem::text(kind)))?;
    }
    Ok(Next::Exit(0))
}

fn explain_request(
    config: &Config,
    method: &str,
    target: &str,
    as_json: bool,
    world: &mut World<'_>,
) -> Result<Next, CliError> {
    let upper = method.to_ascii_uppercase();
    let method: http::Method =
        upper.parse().map_err(|_| CliError::Usage(format!("error: \"{method}\" is not a method, such as GET\n")))?;
    let given = target.split(['?', '#']).next().unwrap_or_default();
    if !given.starts_with('/') {
        return Err(CliError::Usage(format!(
            "error: \"{target}\" is not a path; it begins with /, as in: seawall explain {method} /\n"
        )));
    }
    let rules = strict_http::path_rules(config.values(&strict_http::SECTION)).map_err(AppError::from)?;
    let normal = path::normalise(given, &rules)
        .map_err(|fault| CliError::Usage(format!("error: this request is refused with invalid-path: {fault}\n")))?;
    let routes = OwnRoutes::of(config)?;
    let own = routes.find(&method, &normal)?;
    let patterns: Vec<_> = config.routes().iter().map(Route::pattern).collect();
    let place = Routes::new(&patterns).find(&method, &normal).filter(|_| own.is_none());
    let route = place.and_then(|place| config.routes().get(place));
    let kind = own.map_or_else(|| route.map_or(Kind::Default, Kind::Configured), |(_, kind)| kind);
    let own = own.map(|(name, _)| name.to_owned());
    let steps = ORDER.iter().map(|step| Explained::new(config, step, &kind, route)).collect::<Vec<_>>();
    if as_json {
        let name = own.or_else(|| route.map(|route| route.pattern().to_string())).unwrap_or_else(|| "*".to_owned());
        let body = json!({ "method": method.as_str(), "path": normal, "route": name, "guards": steps.iter().map(Explained::json).collect::<Vec<_>>() });
        world.say(&body.to_string())?;
        return Ok(Next::Exit(0));
    }
    let paint = Paint { colours: world.colours };
    let mut text = match (own, route) {
        (Some(own), _) => {
            let own = paint.bold(&own);
            format!(
                "{} {normal} is answered by Seawall itself ({own}); its guards are always enforced.\n",
                method.as_str()
            )
        }
        (None, Some(route)) => {
            format!("{} {normal} meets the route {}.\n", method.as_str(), paint.bold(&route.pattern().to_string()))
        }
        (None, None) => format!("{} {normal} meets no route of its own; the general settings hold.\n", method.as_str()),
    };
    text.push_str("Its guards, in order, with their values and where each comes from:\n");
    for (number, step) in steps.iter().enumerate() {
        step.write(&mut text, number + 1, paint);
    }
    world.say(&text)?;
    Ok(Next::Exit(0))
}

/// One guard with its values.
struct Explained {
    guard: &'static GuardEntry,
    why: &'static str,
    mode: Mode,
    values: Vec<(&'static str, String, String)>,
}

impl Explained {
    fn new(config: &Config, step: &Step, kind: &Kind<'_>, route: Option<&Route>) -> Self {
        let section = step.guard.section;
        let values = kind.values(config, step.guard);
        let pattern = route.map(Route::pattern);
        let shown = section.fields.iter().filter(|field| field.key != "mode").filter_map(|field| {
            let raw = values.raw(field.key)?;
            let text = if field.secret() { "(hidden)".to_owned() } else { words(raw) };
            // What another section says in place of the guard's own.
            let elsewhere = matches!(kind, Kind::SignIn(_)) && config.values(section).raw(field.key) != Some(raw);
            let source =
                if elsewhere { SIGN_IN.to_owned() } else { config.source(section, field.key, pattern).to_string() };
            Some((field.key, text, source))
        });
        Self { guard: step.guard, why: step.why, mode: kind.mode(config, step.guard), values: shown.collect() }
    }

    fn write(&self, out: &mut String, number: usize, paint: Paint) {
        let mode = match self.mode {
            Mode::Enforce => String::new(),
            Mode::Report => " (reports only)".to_owned(),
            Mode::Off => " (off)".to_owned(),
        };
        let _infallible = writeln!(out, "\n{number:>2} {}{mode}  {}", paint.bold(self.guard.name), self.guard.summary);
        let _infallible = writeln!(out, "   {}", paint.dim(self.why));
        for (key, value, source) in &self.values {
            let _infallible = writeln!(out, "     {key} = {value}  {}", paint.dim(&format!("# {source}")));
        }
    }

    fn json(&self) -> Value {
        let values =
            self.values.iter().map(|(key, value, source)| json!({ "key": key, "value": value, "source": source }));
        json!({ "guard": self.guard.name, "mode": self.mode.word(), "summary": self.guard.summary, "why": self.why, "values": values.collect::<Vec<_>>() })
    }
}

/// A value as it would be written in the file.
fn words(raw: &Raw) -> String {
    match raw {
        Raw::Flag(flag) => flag.to_string(),
        Raw::Integer(integer) => integer.to_string(),
        Raw::Text(text) => format!("{text:?}"),
        Raw::List(items) => format!("[{}]", items.iter().map(words).collect::<Vec<_>>().join(", ")),
    }
}
