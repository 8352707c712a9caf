//! Medians per variant over all turns, and the ratios that are worth quoting.

use super::measure::{Served, Turn};
use super::statistics::Spread;
use super::variants::Variant;

/// What the turns of one variant come to: medians, and what half of them lie between. Costs are missing without a proxy, ratios without
/// their opponent.
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

pub(crate) fn of(variants: &[Variant], turns: &[Turn], served: &[Served]) -> Vec<Summary> {
    variants.iter().map(|variant| one(*variant, turns, served)).collect()
}

fn one(variant: Variant, turns: &[Turn], served: &[Served]) -> Summary {
    let own = || turns.iter().filter(move |turn| turn.variant == variant);
    let base = |turn: &Turn, of: fn(&Turn) -> f64| {
        let direct = twin(turn, Variant::Direct, turns).filter(|_| variant != Variant::Direct);
        of(turn) - direct.map_or(0.0, of)
    };
    let ended = || served.iter().filter(move |one| one.variant == variant);
    let mut missing: Vec<String> = ended().flat_map(|one| one.missing.clone()).collect();
    missing.sort();
    missing.dedup();
    Summary {
        variant,
        cpu_us_per_request: Spread::half(own().filter_map(|turn| turn.cpu_us_per_request)),
        times_haproxy: ratio(variant, Variant::HaproxyHard, turns),
        times_nginx: ratio(variant, Variant::NginxHard, turns),
        requests_per_second: Spread::half(own().map(|turn| turn.load.requests_per_second)),
        p50_us: Spread::half(own().map(|turn| turn.load.p50_us)),
        p99_us: Spread::half(own().map(|turn| turn.load.p99_us)),
        fixed_rate_p50_us: Spread::half(own().map(|turn| base(turn, |turn| turn.at_fixed_rate.p50_us))),
        fixed_rate_p99_us: Spread::half(own().map(|turn| base(turn, |turn| turn.at_fixed_rate.p99_us))),
        peak_mib: Spread::of(ended().filter_map(|one| one.peak_mib)),
        missing,
    }
}

/// CPU per request against an opponent, turn by turn: what the machine does meanwhile is the same for both.
fn ratio(variant: Variant, opponent: Variant, turns: &[Turn]) -> Option<Spread> {
    let own = turns.iter().filter(|turn| turn.variant == variant);
    Spread::half(
        own.filter_map(|turn| Some(turn.cpu_us_per_request? / twin(turn, opponent, turns)?.cpu_us_per_request?)),
    )
}

/// Another variant's turn of the same round.
fn twin<'a>(turn: &Turn, variant: Variant, turns: &'a [Turn]) -> Option<&'a Turn> {
    turns.iter().find(|other| other.variant == variant && other.round == turn.round)
}

#[cfg(test)]
pub(crate) mod tests {
    use super::super::rate::Latency;
    use super::super::wrk::Load;
    use super::*;

    pub(crate) fn turn(variant: Variant, round: u32, cpu_us: Option<f64>, p50_us: f64) -> Turn {
        let load =
            Load { requests: 100, requests_per_second: 50_000.0, p50_us: 1000.0, p99_us: 2000.0, faults: Vec::new() };
        let at_fixed_rate = Latency { p50_us, p99_us: 2.0 * p50_us };
        Turn { variant, round, cpu_us_per_request: cpu_us, load, at_fixed_rate }
    }

    #[test]
    fn ratios_and_added_latency_pair_turns_of_one_round() {
        let turns = [
            turn(Variant::Direct, 1, None, 40.0),
            turn(Variant::HaproxyHard, 1, Some(20.0), 100.0),
            turn(Variant::SeawallDefault, 1, Some(22.0), 90.0),
            turn(Variant::Direct, 2, None, 50.0),
            turn(Variant::HaproxyHard, 2, Some(25.0), 100.0),
            turn(Variant::SeawallDefault, 2, Some(23.0), 110.0),
            turn(Variant::HaproxyHard, 3, Some(40.0), 100.0),
            turn(Variant::SeawallDefault, 3, Some(40.0), 100.0),
        ];
        let served = [Served { variant: Variant::SeawallDefault, peak_mib: Some(20.0), missing: Vec::new() }];
        let summary = one(Variant::SeawallDefault, &turns, &served);
        assert_eq!(summary.times_haproxy, Some(Spread { median: 1.0, least: 0.92, most: 1.1 }));
        assert_eq!(summary.times_nginx, None);
        assert_eq!(summary.fixed_rate_p50_us.map(|spread| spread.median), Some(60.0));
        assert_eq!(summary.peak_mib.map(|spread| spread.median), Some(20.0));
        let direct = one(Variant::Direct, &turns, &served);
        assert_eq!((direct.cpu_us_per_request, direct.peak_mib), (None, None));
        assert_eq!(direct.fixed_rate_p50_us.map(|spread| spread.median), Some(45.0));
    }
}
