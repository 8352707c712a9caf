//! What callgrind wrote, read into the cost of the whole program and of Seawall's parts.

use std::collections::BTreeMap;

/// Instructions of one run.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Profile {
    pub(crate) total: u64,
    /// By part, with all that it calls.
    pub(crate) parts: BTreeMap<String, u64>,
}

/// Reads the file: functions, each with its calls (`cfn=`, `calls=`, and a line with the cost of what was called). A part
/// costs what calls into it from outside cost.
pub(crate) fn parse(text: &str) -> Option<Profile> {
    let (mut total, mut parts) = (None, BTreeMap::new());
    let mut names: BTreeMap<&str, &str> = BTreeMap::new();
    let (mut caller, mut callee) = ("", "");
    let mut lines = text.lines();
    while let Some(line) = lines.next() {
        if let Some(function) = line.strip_prefix("fn=") {
            caller = name(function, &mut names)?;
        } else if let Some(function) = line.strip_prefix("cfn=") {
            callee = name(function, &mut names)?;
        } else if line.starts_with("calls=") {
            let cost: u64 = lines.next()?.split(' ').nth(1)?.parse().ok()?;
            if let Some(part) = part(callee).filter(|inside| part(caller) != Some(*inside)) {
                *parts.entry(part.to_owned()).or_default() += cost;
            }
        } else if let Some(sum) = line.strip_prefix("totals: ") {
            total = sum.trim().parse().ok();
        }
    }
    Some(Profile { total: total?, parts })
}

/// A function's name: `(12) name` the first time, `(12)` from then on.
fn name<'a>(text: &'a str, names: &mut BTreeMap<&'a str, &'a str>) -> Option<&'a str> {
    let (number, name) = text.split_once(' ').unwrap_or((text, ""));
    if !name.is_empty() {
        names.insert(number, name);
    }
    names.get(number).copied()
}

/// Which part a function belongs to: a guard by the name of its directory, or one of the other things every request has.
fn part(function: &str) -> Option<&str> {
    if function.contains("seawall_core::http::framing") {
        return Some("framing checker");
    }
    if function.contains("seawall_telemetry::request_log") {
        return Some("request log");
    }
    let (_, rest) = function.split_once("seawall_guards::")?;
    let (guard, _) = rest.split_once("::")?;
    (!matches!(guard, "engine" | "problem")).then_some(guard)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_costs_what_is_called_from_outside() {
        let text = "positions: line\nevents: Ir\n\nfn=(1) seawall_guards::engine::policy::Policy::run\n5 100\n\
            cfn=(2) <seawall_guards::cors::guard::CorsGuard as seawall_guards::engine::guard::Guard>::head\ncalls=2 0\n0 40\n\
            cfn=(2)\ncalls=1 0\n0 20\n\nfn=(2)\n9 50\ncfn=(3) seawall_guards::cors::guard::same_origin\ncalls=3 0\n0 10\n\n\
            totals: 160\n";
        let profile = parse(text).unwrap();
        assert_eq!(profile.total, 160);
        assert_eq!(profile.parts, BTreeMap::from([("cors".to_owned(), 60)]));
        assert_eq!(parse("something else"), None);
    }

    #[test]
    fn parts_are_guards_the_checker_and_the_log() {
        for (function, expected) in [
            (
                "<seawall_guards::rate_limit::guard::RateLimitGuard as seawall_guards::engine::guard::Guard>::dress",
                Some("rate_limit"),
            ),
            ("seawall_core::http::framing::request::RequestChecker::check", Some("framing checker")),
            ("seawall_telemetry::request_log::handle::RequestLog::record", Some("request log")),
            ("seawall_guards::engine::policy::Policy::run", None),
            ("malloc", None),
        ] {
            assert_eq!(part(function), expected, "{function}");
        }
    }
}
