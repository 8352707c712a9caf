//! Which guards of a policy are asked in which phase: a request costs what its guards do, not how many there are.

use super::{Guard, Needs};

/// The places of some guards of a policy, as bits.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Phase(u32);

impl Phase {
    /// The most guards of one policy.
    pub(super) const MOST: usize = 32;

    fn of(needs: &[Needs], wanted: fn(&Needs) -> bool) -> Self {
        let places = needs.iter().enumerate().filter(|(_, needs)| wanted(needs));
        Self(places.fold(0, |bits, (place, _)| bits | 1 << place))
    }

    pub(super) const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Those whose bits are among these.
    pub(super) const fn among(self, bits: u32) -> Self {
        Self(self.0 & bits)
    }
}

impl IntoIterator for Phase {
    type Item = usize;
    type IntoIter = Places;

    fn into_iter(self) -> Places {
        Places(self.0)
    }
}

/// The places, in the order of the guards.
#[derive(Clone, Debug)]
pub(super) struct Places(u32);

impl Iterator for Places {
    type Item = usize;

    fn next(&mut self) -> Option<usize> {
        let place = (self.0 != 0).then(|| self.0.trailing_zeros())?;
        self.0 &= self.0 - 1;
        Some(place as usize)
    }
}

impl DoubleEndedIterator for Places {
    fn next_back(&mut self) -> Option<usize> {
        let place = self.0.checked_ilog2()?;
        self.0 ^= 1 << place;
        Some(place as usize)
    }
}

/// The phases that most guards have no part in.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Phases {
    /// [`Guard::inspect`]
    pub(super) inspecting: Phase,
    /// [`Guard::hold`]
    pub(super) holding: Phase,
    /// [`Guard::follow`]
    pub(super) following: Phase,
    /// [`Guard::answer`]
    pub(super) answering: Phase,
    /// [`Guard::dress`] and [`Guard::dress_reporting`]
    pub(super) dressing: Phase,
    /// [`Guard::finish`] and [`Guard::released`]
    pub(super) finishing: Phase,
}

impl Phases {
    /// At most [`Phase::MOST`] guards, in their order.
    pub(super) fn of<'g>(guards: impl Iterator<Item = &'g dyn Guard>) -> Self {
        let needs: Vec<Needs> = guards.map(Guard::needs).collect();
        Self {
            inspecting: Phase::of(&needs, |needs| needs.inspects),
            holding: Phase::of(&needs, |needs| needs.holds),
            following: Phase::of(&needs, |needs| needs.follows),
            answering: Phase::of(&needs, |needs| needs.answers),
            dressing: Phase::of(&needs, |needs| needs.dresses),
            finishing: Phase::of(&needs, |needs| needs.finishes),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_come_in_order_from_either_end() {
        for bits in [0, 1, 0b1010_0110, 1 << 31, u32::MAX, 0x8000_0001] {
            let set: Vec<usize> = (0..Phase::MOST).filter(|place| bits & 1 << place != 0).collect();
            assert!(Phase(bits).into_iter().eq(set.iter().copied()), "{bits:b}");
            assert!(Phase(bits).into_iter().rev().eq(set.iter().rev().copied()), "{bits:b}");
            assert_eq!(Phase(bits).is_empty(), set.is_empty());
        }
        assert!(Phase(0b1110).among(0b0111).into_iter().eq([1, 2]));
    }
}
