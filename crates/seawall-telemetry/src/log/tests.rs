//! The process log as its readers see it.

use std::{error::Error, fmt, sync::Arc};

use proptest::prelude::*;
use seawall_core::clock::{Clock, Now};
use serde_json::Value;
use tracing::{debug, error, info, info_span, subscriber::with_default, warn};

use super::subscriber;
use crate::{LogLevel, Output, Style, sink::tests::Kept};

#[derive(Debug)]
struct Noon;

impl Clock for Noon {
    fn now(&self) -> Now {
        Now { monotonic_us: 0, unix_us: 1_793_880_000_000_001 }
    }
}

fn logged(style: Style, level: &str, act: impl FnOnce()) -> String {
    let kept = Kept::default();
    let output = Output { sink: kept.sink(), style, service: "shop".into(), clock: Arc::new(Noon) };
    with_default(subscriber(output, &LogLevel::parse(level).unwrap()), act);
    kept.text()
}

#[derive(Debug)]
struct Failed(Option<Box<Self>>);

impl fmt::Display for Failed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.0.is_some() { "reading the file" } else { "no such \"file\"" })
    }
}

impl Error for Failed {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.0.as_deref().map(|inner| inner as _)
    }
}

fn speak() {
    info!(listener.address = "127.0.0.1:8080", cores = 2, "listening");
    warn!(api_key = "s3cret", retry_after = 1.5, ratio = f64::NAN, ok = true, "upstream is slow");
    let outer = info_span!("job", job.id = "job_1", level = "outer", step = tracing::field::Empty);
    outer.record("step", -3);
    outer.in_scope(|| {
        info_span!("inner", level = "inner").in_scope(|| {
            let failed = Failed(Some(Box::new(Failed(None))));
            error!(error = &failed as &dyn Error, "job failed\n{}", "{\"level\":\"forged\"}");
        });
    });
    debug!("not at this level");
}

#[test]
fn lines_for_machines() {
    insta::assert_snapshot!(logged(Style::Json, "info", speak), @r##"
    {"time":"2026-11-05T12:00:00.000001Z","level":"info","msg":"listening","service":"shop","target":"seawall_telemetry::log::tests","listener.address":"127.0.0.1:8080","cores":2}
    {"time":"2026-11-05T12:00:00.000001Z","level":"warn","msg":"upstream is slow","service":"shop","target":"seawall_telemetry::log::tests","api_key":"[redacted]","retry_after":1.5,"ratio":"NaN","ok":true}
    {"time":"2026-11-05T12:00:00.000001Z","level":"error","msg":"job failed\n{\"level\":\"forged\"}","service":"shop","target":"seawall_telemetry::log::tests","error":"reading the file: no such \"file\"","field.level":"inner","job.id":"job_1","step":-3}
    "##);
}

#[test]
fn lines_for_people() {
    insta::assert_snapshot!(logged(Style::Pretty, "info", speak), @r##"
    12:00:00.000 INFO  listening listener.address="127.0.0.1:8080" cores=2 seawall_telemetry::log::tests
    12:00:00.000 WARN  upstream is slow api_key="[redacted]" retry_after=1.5 ratio="NaN" ok=true seawall_telemetry::log::tests
    12:00:00.000 ERROR job failed\n{\"level\":\"forged\"} error="reading the file: no such \"file\"" level="inner" job.id="job_1" step=-3 seawall_telemetry::log::tests
    "##);
    let coloured = logged(Style::Coloured, "info", || info!("listening")).replace('\x1b', "ESC");
    insta::assert_snapshot!(coloured, @r##"
    ESC[2m12:00:00.000ESC[0m ESC[32mINFO ESC[0m listening ESC[2mseawall_telemetry::log::testsESC[0m
    "##);
}

#[test]
fn targets_may_say_more_or_less() {
    let speak = || {
        debug!(target: "seawall_proxy::edge", "heard");
        debug!(target: "other", "not heard");
        info!(target: "hyper", "not heard");
    };
    let text = logged(Style::Json, "info,seawall_proxy=debug,hyper=off", speak);
    assert_eq!(text.lines().count(), 1, "{text}");
    assert!(text.contains("\"heard\""));
}

proptest! {
    #[test]
    fn any_text_gives_exactly_one_line_of_json(message in any::<String>(), value in any::<String>()) {
        for style in [Style::Json, Style::Pretty] {
            let text = logged(style, "info", || info!(user.id = value, session_id = value, "{message}"));
            prop_assert_eq!(text.chars().filter(|c| c.is_control()).count(), 1);
            if style == Style::Json {
                let line: Value = serde_json::from_str(&text).unwrap();
                prop_assert_eq!(line["msg"].as_str(), Some(message.as_str()));
                prop_assert_eq!(line["user.id"].as_str(), Some(value.as_str()));
                prop_assert_eq!(line["session_id"].as_str(), Some("[redacted]"));
            }
        }
    }
}
