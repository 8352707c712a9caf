//! The bench's result for people: a table and how to read it.

use super::statistics::Spread;
use super::summary::Summary;

const NOTE: &str = "\
CPU is the figure that holds: cores are shared with the load generator and the upstream, so requests/s and latency at
full load measure all of them. Ratios compare CPU per request turn by turn: median (what half of the turns lie between).
Below 5 % is a tie. Quote ratios, not absolute numbers. Added latency is on top of direct; the row `direct` shows direct itself.";

/// `about` says what was run where.
pub(crate) fn table(summaries: &[Summary], about: &str) -> String {
    let head = [
        "variant",
        "CPU µs/request",
        "× haproxy-hard",
        "× nginx-hard",
        "requests/s",
        "p50/p99 µs",
        "added p50/p99 µs at 500/s",
        "peak MiB",
    ];
    let mut rows = vec![head.map(str::to_owned)];
    rows.extend(summaries.iter().map(row));
    let mut parts = vec![about.to_owned(), align(&rows)];
    for summary in summaries {
        parts.extend(
            summary.missing.iter().map(|missing| format!("Not the same duties: {} {missing}.", summary.variant.name())),
        );
    }
    parts.push(NOTE.to_owned());
    parts.join("\n")
}

fn row(summary: &Summary) -> [String; 8] {
    let pair = |left, right| format!("{} / {}", median(left, 0), median(right, 0));
    [
        summary.variant.name().to_owned(),
        median(summary.cpu_us_per_request, 1),
        ratio(summary.times_haproxy),
        ratio(summary.times_nginx),
        median(summary.requests_per_second, 0),
        pair(summary.p50_us, summary.p99_us),
        pair(summary.fixed_rate_p50_us, summary.fixed_rate_p99_us),
        median(summary.peak_mib, 1),
    ]
}

fn median(spread: Option<Spread>, digits: usize) -> String {
    spread.map_or_else(|| "-".to_owned(), |spread| format!("{:.digits$}", spread.median))
}

fn ratio(spread: Option<Spread>) -> String {
    let text = |spread: Spread| format!("{:.2} ({:.2}–{:.2})", spread.median, spread.least, spread.most);
    spread.map_or_else(|| "-".to_owned(), text)
}

/// The first column to the left, figures to the right.
fn align(rows: &[[String; 8]]) -> String {
    let width = |column: usize| {
        rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.chars().count()).max().unwrap_or(0)
    };
    let line = |row: &[String; 8]| {
        let cells = row.iter().enumerate().map(|(column, cell)| {
            let width = width(column);
            if column == 0 { format!("{cell:<width$}") } else { format!("{cell:>width$}") }
        });
        cells.collect::<Vec<_>>().join("   ")
    };
    rows.iter().map(line).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::super::measure::Served;
    use super::super::summary;
    use super::super::summary::tests::turn;
    use super::super::variants::Variant;
    use super::*;

    #[test]
    fn the_table_shows_ratios_spreads_and_undone_duties() {
        let turns = [
            turn(Variant::Direct, 1, None, 40.0),
            turn(Variant::HaproxyHard, 1, Some(20.0), 95.0),
            turn(Variant::SeawallDuties, 1, Some(19.0), 90.0),
        ];
        let served = |variant, mib, missing: &[&str]| Served {
            variant,
            peak_mib: Some(mib),
            missing: missing.iter().map(ToString::to_string).collect(),
        };
        let served =
            [served(Variant::HaproxyHard, 20.0, &[]), served(Variant::SeawallDuties, 19.0, &["sent no X-Request-Id"])];
        let variants = [Variant::Direct, Variant::HaproxyHard, Variant::SeawallDuties];
        let text = table(&summary::of(&variants, &turns, &served), "2 cores");
        let lines: Vec<&str> = text.lines().collect();
        let expected = [
            "2 cores",
            "variant          CPU µs/request     × haproxy-hard   × nginx-hard   requests/s    p50/p99 µs   added p50/p99 µs at 500/s   peak MiB",
            "direct                        -                  -              -        50000   1000 / 2000                     40 / 80          -",
            "haproxy-hard               20.0   1.00 (1.00–1.00)              -        50000   1000 / 2000                    55 / 110       20.0",
            "seawall-duties             19.0   0.95 (0.95–0.95)              -        50000   1000 / 2000                    50 / 100       19.0",
            "Not the same duties: seawall-duties sent no X-Request-Id.",
        ];
        assert_eq!(lines[..6], expected);
    }
}
