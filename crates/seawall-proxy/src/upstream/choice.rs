//! Which server a request goes to.

/// Servers by their places in the list, as bits of a word.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Places(u64);

impl Places {
    /// With this place too.
    pub(crate) const fn with(self, place: usize) -> Self {
        Self(self.0 | 1 << place)
    }

    /// Whether it holds a place.
    pub(crate) const fn holds(self, place: usize) -> bool {
        self.0 & 1 << place != 0
    }
}

/// What a choice depends on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Load {
    /// Requests in flight.
    pub(super) in_flight: u32,
    /// The server's share beside the others' weights.
    pub(super) weight: u32,
}

/// The server that would have the fewest requests for its weight with one more; among equals the first from `turn` on, so that
/// idle servers take turns.
pub(super) fn least_loaded(loads: impl Iterator<Item = (usize, Load)>, servers: usize, turn: usize) -> Option<usize> {
    // With one more: (a + 1) / weight of a compared with (b + 1) / weight of b, without dividing.
    let cost = |load: Load, other: Load| (u64::from(load.in_flight) + 1) * u64::from(other.weight.max(1));
    let distance = |place: usize| (place + servers - turn % servers.max(1)) % servers.max(1);
    loads
        .min_by(|&(a, load_a), &(b, load_b)| {
            cost(load_a, load_b).cmp(&cost(load_b, load_a)).then(distance(a).cmp(&distance(b)))
        })
        .map(|(place, _)| place)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn choose(loads: &[(u32, u32)], turn: usize) -> Option<usize> {
        let loads: Vec<_> = loads.iter().map(|&(in_flight, weight)| Load { in_flight, weight }).enumerate().collect();
        least_loaded(loads.clone().into_iter(), loads.len(), turn)
    }

    #[test]
    fn the_fewest_requests_for_the_weight_win() {
        assert_eq!(choose(&[(3, 1), (1, 1), (2, 1)], 0), Some(1));
        assert_eq!(choose(&[(1, 1), (2, 3)], 0), Some(1));
        assert_eq!(choose(&[], 0), None);
    }

    #[test]
    fn equals_take_turns() {
        let chosen: Vec<_> = (0..4).map(|turn| choose(&[(0, 1), (0, 1), (0, 1)], turn)).collect();
        assert_eq!(chosen, [Some(0), Some(1), Some(2), Some(0)]);
    }

    #[test]
    fn requests_spread_by_weight() {
        let weights = [1, 2, 5];
        let mut in_flight = [0; 3];
        for turn in 0..80 {
            let loads =
                in_flight.iter().zip(weights).map(|(&in_flight, weight)| Load { in_flight, weight }).enumerate();
            in_flight[least_loaded(loads, 3, turn).unwrap()] += 1;
        }
        assert_eq!(in_flight, [10, 20, 50]);
    }

    #[test]
    fn places_are_bits() {
        let places = Places::default().with(3).with(63);
        assert!(places.holds(3) && places.holds(63) && !places.holds(0));
    }
}
