//! What nobody may forget: every guard, problem, metric and key is whole.

use std::collections::BTreeSet;

use seawall_core::settings::{Literal, Raw, Shape, Values};

use super::*;

#[test]
fn the_order_of_the_guards() {
    let order = ORDER.iter().map(|step| format!("{:<17} {}", step.guard.name, step.why)).collect::<Vec<_>>().join("\n");
    insta::assert_snapshot!(order);
}

#[test]
fn guards_before_the_route_cannot_differ_by_route_and_all_others_can() {
    for step in &ORDER {
        assert_eq!(step.guard.section.routes, !step.before_route, "{}", step.guard.name);
        // One that shares the section of another says so in its name.
        assert!(step.guard.name.ends_with(step.guard.section.name), "{}", step.guard.name);
    }
    let first_by_route = ORDER.iter().position(|step| !step.before_route).unwrap();
    assert!(ORDER[first_by_route..].iter().all(|step| !step.before_route));
}

#[test]
fn every_guard_reports_or_says_why_not() {
    for step in &ORDER {
        let has_mode = step.guard.section.field("mode").is_some();
        match step.guard.report_only {
            seawall_guards::ReportOnly::Yes => assert!(has_mode, "{} reports, but has no mode", step.guard.name),
            seawall_guards::ReportOnly::No(reason) => assert!(!has_mode && reason.len() > 10, "{}", step.guard.name),
        }
        assert!(step.guard.summary.ends_with('.') && step.why.len() > 10, "{}", step.guard.name);
    }
}

#[test]
fn problems_are_unique_and_documented() {
    let mut slugs = BTreeSet::new();
    for problem in problems() {
        assert!(slugs.insert(problem.slug), "{} stands twice", problem.slug);
        assert!(problem.slug.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'-'), "{}", problem.slug);
        assert!(problem.code.bytes().all(|byte| byte.is_ascii_uppercase() || byte == b'_'), "{}", problem.code);
        assert!(!problem.title.contains(['"', '\\']) && !problem.title.ends_with('.'), "{}", problem.title);
        assert!(problem.documentation.len() > 80, "{} says too little", problem.slug);
    }
}

#[test]
fn metrics_have_one_spelling() {
    let mut names = BTreeSet::new();
    for metric in metrics() {
        assert!(names.insert(metric.name), "{} stands twice", metric.name);
        let known = ["seawall_", "http_server_", "gen_ai_"].iter().any(|prefix| metric.name.starts_with(prefix));
        assert!(known, "{}", metric.name);
        assert!(!metric.name.ends_with("_total") && metric.help.ends_with('.'), "{}", metric.name);
    }
}

/// Every field, those of entries among them.
fn fields() -> Vec<(&'static str, seawall_core::settings::FieldSpec)> {
    let all = |section: &'static Section| {
        section.fields.iter().chain(section.entries.unwrap_or_default()).map(|field| (section.name, *field))
    };
    schema().sections.into_iter().flat_map(all).collect()
}

#[test]
fn every_key_is_documented_and_its_default_is_one_it_accepts() {
    for (section, field) in fields() {
        assert!(field.documentation.len() > 10 && field.documentation.ends_with('.'), "[{section}] {}", field.key);
        if let Some(default) = field.default.raw() {
            assert_eq!(field.check(&default), Ok(()), "[{section}] {}", field.key);
        }
    }
}

#[test]
fn every_key_refuses_what_it_is_not_and_what_is_out_of_bounds() {
    for (section, field) in fields() {
        let key = format!("[{section}] {}", field.key);
        let wrong = match field.shape {
            Shape::Flag | Shape::Integer => Raw::Text("no such value".to_owned()),
            Shape::Choice(_) => Raw::Text("no such word".to_owned()),
            Shape::Text(..) | Shape::Secret | Shape::Address | Shape::List(_) => Raw::Flag(true),
        };
        assert!(field.check(&wrong).is_err(), "{key} accepts {wrong:?}");
        let Some((least, most)) = field.between else { continue };
        let raw = |words: &str| words.parse().map_or_else(|_| Raw::Text(words.to_owned()), Raw::Integer);
        assert_eq!(
            [field.check(&raw(least)), field.check(&raw(most))],
            [Ok(()), Ok(())],
            "{key} refuses its own bounds"
        );
        let beyond = match raw(most) {
            Raw::Integer(most) => Raw::Integer(most + 1),
            _ if field.shape == Shape::Text("size", "10 MB") => Raw::Text("9000000 TB".to_owned()),
            _ if field.shape == Shape::Text("duration", "30s") => Raw::Text("9999 days".to_owned()),
            _ => Raw::Text("101%".to_owned()),
        };
        assert!(field.check(&beyond).is_err(), "{key} accepts {beyond:?}");
    }
}

#[test]
fn defaults_meet_every_demand_in_every_environment() {
    use seawall_core::{Environment, settings::Situation};
    for environment in [Environment::Development, Environment::Staging, Environment::Production] {
        for section in schema().sections {
            let complaints = (section.demands)(&Values::defaults(section), &Situation { environment, written: false });
            assert!(complaints.is_empty(), "[{}] in {environment:?}: {complaints:?}", section.name);
        }
    }
}

#[test]
fn pl_5_secrets_have_no_default() {
    for (section, field) in fields().into_iter().filter(|(_, field)| field.secret()) {
        assert_eq!(field.default, Literal::Unset, "[{section}] {}", field.key);
    }
}
