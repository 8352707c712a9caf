//! The bench's result for programs.

use super::statistics::Spread;
use super::summary::Summary;

/// What the figures belong to.
pub(crate) struct Setting<'a> {
    pub(crate) cores: usize,
    pub(crate) seconds: u32,
    pub(crate) repetitions: u32,
    pub(crate) connections: u32,
    pub(crate) versions: &'a str,
}

/// Each figure is `{"median", "least", "most"}` or null; half of the turns lie between the latter two; of memory, they are the least and
/// the most of all starts. Text is program versions and this bench's own words: it is quoted,
/// and holds no control characters.
pub(crate) fn document(summaries: &[Summary], setting: &Setting<'_>) -> String {
    let variants: Vec<String> = summaries.iter().map(variant).collect();
    format!(
        "{{\n  \"cores\": {},\n  \"seconds\": {},\n  \"repetitions\": {},\n  \"connections\": {},\n  \"versions\": {},\n  \"variants\": [\n{}\n  ]\n}}\n",
        setting.cores,
        setting.seconds,
        setting.repetitions,
        setting.connections,
        quoted(setting.versions),
        variants.join(",\n")
    )
}

fn variant(summary: &Summary) -> String {
    let figures = [
        ("cpu_us_per_request", summary.cpu_us_per_request),
        ("cpu_times_haproxy_hard", summary.times_haproxy),
        ("cpu_times_nginx_hard", summary.times_nginx),
        ("requests_per_second", summary.requests_per_second),
        ("latency_p50_us", summary.p50_us),
        ("latency_p99_us", summary.p99_us),
        ("fixed_rate_p50_us", summary.fixed_rate_p50_us),
        ("fixed_rate_p99_us", summary.fixed_rate_p99_us),
        ("peak_mib", summary.peak_mib),
    ];
    let members: Vec<String> =
        figures.iter().map(|(name, spread)| format!("      \"{name}\": {}", figure(*spread))).collect();
    let missing: Vec<String> = summary.missing.iter().map(|text| quoted(text)).collect();
    format!(
        "    {{\n      \"name\": {},\n{},\n      \"duties_not_done\": [{}]\n    }}",
        quoted(summary.variant.name()),
        members.join(",\n"),
        missing.join(", ")
    )
}

fn figure(spread: Option<Spread>) -> String {
    let text = |spread: Spread| {
        format!("{{\"median\": {:.3}, \"least\": {:.3}, \"most\": {:.3}}}", spread.median, spread.least, spread.most)
    };
    spread.map_or_else(|| "null".to_owned(), text)
}

fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}

#[cfg(test)]
mod tests {
    use super::super::summary;
    use super::super::summary::tests::turn;
    use super::super::variants::Variant;
    use super::*;

    #[test]
    fn figures_are_numbers_or_null() {
        let turns = [turn(Variant::HaproxyHard, 1, Some(20.0), 95.0)];
        let setting = Setting { cores: 2, seconds: 10, repetitions: 3, connections: 64, versions: "a \"b\"" };
        let text = document(&summary::of(&[Variant::HaproxyHard], &turns, &[]), &setting);
        assert!(text.contains("\"versions\": \"a \\\"b\\\"\""), "{text}");
        assert!(
            text.contains("\"cpu_us_per_request\": {\"median\": 20.000, \"least\": 20.000, \"most\": 20.000},\n"),
            "{text}"
        );
        assert!(text.contains("\"cpu_times_nginx_hard\": null,\n"), "{text}");
    }
}
