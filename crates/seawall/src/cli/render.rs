//! What is generated from the catalogue: the example file, the schema, the reference.

use std::fmt::Write;

use seawall_config::render as config;
use seawall_core::meter::MetricKind;
use seawall_guards::ReportOnly;

use super::{CliError, Next, World, arguments::Reference, problem};
use crate::app::catalogue;

pub(super) fn example(world: &mut World<'_>) -> Result<Next, CliError> {
    world.say(&config::example(&catalogue::schema()))?;
    Ok(Next::Exit(0))
}

pub(super) fn schema(world: &mut World<'_>) -> Result<Next, CliError> {
    world.say(&format!("{:#}", config::json_schema(&catalogue::schema())))?;
    Ok(Next::Exit(0))
}

pub(super) fn reference(what: Reference, world: &mut World<'_>) -> Result<Next, CliError> {
    let text = match what {
        Reference::Configuration => config::reference(&catalogue::schema()),
        Reference::Guards => guards(),
        Reference::Problems => problems(),
        Reference::Metrics => metrics(),
    };
    world.say(&text)?;
    Ok(Next::Exit(0))
}

fn guards() -> String {
    let mut out = "# Guards\n\nIn the order in which they see a request. Answers pass back the other way.\n\n| guard | what it does | why it stands here | report only |\n|---|---|---|---|\n".to_owned();
    for step in &catalogue::ORDER {
        let report = match step.guard.report_only {
            ReportOnly::Yes => "yes".to_owned(),
            ReportOnly::No(reason) => format!("no: {reason}"),
        };
        let (name, section) = (step.guard.name, step.guard.section.name);
        // Writing to a string cannot fail, here and below.
        let _infallible = writeln!(
            out,
            "| [`{name}`](configuration.md#{section}) | {} | {} | {report} |",
            step.guard.summary, step.why
        );
    }
    out
}

fn problems() -> String {
    let mut out = "# Problems\n\nEvery error a client can see: `application/problem+json` (RFC 9457) for programs, a page for browsers. \
        `seawall explain NAME` prints the same, and so does the address in `type`.\n"
        .to_owned();
    for kind in catalogue::problems() {
        let _infallible = write!(out, "\n## {}\n\n{}", kind.slug, problem::text(kind));
    }
    out
}

fn metrics() -> String {
    let mut out = "# Metrics\n\nServed in OpenMetrics text at `/metrics` of the admin listener. Counters end in `_total` there.\n\n| metric | kind | labels | what it counts |\n|---|---|---|---|\n".to_owned();
    for metric in catalogue::metrics() {
        let kind = match metric.kind {
            MetricKind::Counter => "counter",
            MetricKind::Gauge => "gauge",
            MetricKind::Histogram { .. } => "histogram",
        };
        let labels = metric.labels.iter().map(|label| format!("`{label}`")).collect::<Vec<_>>().join(", ");
        let _infallible = writeln!(out, "| `{}` | {kind} | {labels} | {} |", metric.name, metric.help);
    }
    out
}
