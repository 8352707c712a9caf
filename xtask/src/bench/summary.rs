//! Medians per variant over the repetitions, and the ratios that are worth quoting.

use super::measure::Run;
use super::statistics::Spread;
use super::variants::Variant;

/// What the repetitions of one variant come to. Costs are missing without a proxy, ratios without their opponent.
#[derive(Debug, PartialEq)]
pub(crate) struct Summary {
    pub(crate) variant: Variant,
    pub(crate) cpu_us_per_request: Option<Spread>,
    pub(crate) times_haproxy: Option<Spread>,
    pub(crate) times_nginx: Option<Spread>,
    pub(crate) requests_per_second: Option<Spread>,
    pub(crate) p50_us: Option<Spread>,
    pub(crate) p99_us: Option<Spread>,
    /// Latency at a fixed rate: of `direct` itself, and for the others on top of it.
    pub(crate) fixed_rate_p50_us: Option<Spread>,
    pub(crate) fixed_rate_p99_us: Option<Spread>,
    pub(crate) peak_mib: Option<Spread>,
    /// Duties that were not done in some repetition.
    pub(crate) missing: Vec<String>,
}

pub(crate) fn of(variants: &[Variant], runs: &[Run]) -> Vec<Summary> {
    variants.iter().map(|variant| one(*variant, runs)).collect()
}

fn one(variant: Variant, runs: &[Run]) -> Summary {
    let own = || runs.iter().filter(move |run| run.variant == variant);
    let base = |run: &Run, of: fn(&Run) -> f64| {
        let direct = twin(run, Variant::Direct, runs).filter(|_| variant != Variant::Direct);
        of(run) - direct.map_or(0.0, of)
    };
    let mut missing: Vec<String> = own().flat_map(|run| run.missing.clone()).collect();
    missing.sort();
    missing.dedup();
    Summary {
        variant,
        cpu_us_per_request: Spread::of(own().filter_map(|run| run.cpu_us_per_request)),
        times_haproxy: ratio(variant, Variant::HaproxyHard, runs),
        times_nginx: ratio(variant, Variant::NginxHard, runs),
        requests_per_second: Spread::of(own().map(|run| run.load.requests_per_second)),
        p50_us: Spread::of(own().map(|run| run.load.p50_us)),
        p99_us: Spread::of(own().map(|run| run.load.p99_us)),
        fixed_rate_p50_us: Spread::of(own().map(|run| base(run, |run| run.at_fixed_rate.p50_us))),
        fixed_rate_p99_us: Spread::of(own().map(|run| base(run, |run| run.at_fixed_rate.p99_us))),
        peak_mib: Spread::of(own().filter_map(|run| run.peak_mib)),
        missing,
    }
}

/// CPU per request against an opponent: the ratio of the medians, with the least and most that one repetition showed.
fn ratio(variant: Variant, opponent: Variant, runs: &[Run]) -> Option<Spread> {
    let cost =
        |of: Variant| Spread::of(runs.iter().filter(|run| run.variant == of).filter_map(|run| run.cpu_us_per_request));
    let pairs = runs.iter().filter(|run| run.variant == variant);
    let single = pairs.filter_map(|run| Some(run.cpu_us_per_request? / twin(run, opponent, runs)?.cpu_us_per_request?));
    let spread = Spread::of(single)?;
    Some(Spread { median: cost(variant)?.median / cost(opponent)?.median, ..spread })
}

/// Another variant's run in the same repetition.
fn twin<'a>(run: &Run, variant: Variant, runs: &'a [Run]) -> Option<&'a Run> {
    runs.iter().find(|other| other.variant == variant && other.repetition == run.repetition)
}

#[cfg(test)]
pub(crate) mod tests {
    use super::super::rate::Latency;
    use super::super::wrk::Load;
    use super::*;

    pub(crate) fn run(variant: Variant, repetition: u32, cpu_us: Option<f64>, p50_us: f64) -> Run {
        let load =
            Load { requests: 100, requests_per_second: 50_000.0, p50_us: 1000.0, p99_us: 2000.0, faults: Vec::new() };
        let at_fixed_rate = Latency { p50_us, p99_us: 2.0 * p50_us };
        Run {
            variant,
            repetition,
            cpu_us_per_request: cpu_us,
            peak_mib: cpu_us,
            load,
            at_fixed_rate,
            missing: Vec::new(),
        }
    }

    #[test]
    fn ratios_and_added_latency_pair_runs_of_one_repetition() {
        let runs = [
            run(Variant::Direct, 1, None, 40.0),
            run(Variant::HaproxyHard, 1, Some(20.0), 100.0),
            run(Variant::SeawallDefault, 1, Some(22.0), 90.0),
            run(Variant::Direct, 2, None, 50.0),
            run(Variant::HaproxyHard, 2, Some(25.0), 100.0),
            run(Variant::SeawallDefault, 2, Some(23.0), 110.0),
        ];
        let summary = one(Variant::SeawallDefault, &runs);
        assert_eq!(summary.times_haproxy, Some(Spread { median: 1.0, least: 0.92, most: 1.1 }));
        assert_eq!(summary.times_nginx, None);
        assert_eq!(summary.fixed_rate_p50_us, Some(Spread { median: 55.0, least: 50.0, most: 60.0 }));
        let direct = one(Variant::Direct, &runs);
        assert_eq!(direct.cpu_us_per_request, None);
        assert_eq!(direct.fixed_rate_p50_us.map(|spread| spread.median), Some(45.0));
    }
}
