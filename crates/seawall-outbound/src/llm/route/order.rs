//! In which order the models of a route are asked. Pure: chance is an argument.

use super::config::Weight;

/// The models in the order in which they are asked: the one that the call names, or one that is drawn by weight, and the others as they are written. `roll` answers a number below
/// the one it is given.
pub(crate) fn of<'a>(
    models: &'a [String],
    weights: &[Weight],
    named: Option<&str>,
    roll: impl FnOnce(u32) -> u32,
) -> Vec<&'a str> {
    let named = named.and_then(|named| models.iter().position(|model| model == named));
    let first = named.or_else(|| drawn(weights, roll)).unwrap_or_default();
    let all = || models.iter().map(String::as_str).enumerate();
    let first_one = all().filter(|(index, _)| *index == first);
    first_one.chain(all().filter(|(index, _)| *index != first)).map(|(_, model)| model).collect()
}

/// One of them, each as often as its weight; nothing when there are none.
fn drawn(weights: &[Weight], roll: impl FnOnce(u32) -> u32) -> Option<usize> {
    let sum = weights.iter().fold(0_u32, |sum, weight| sum.saturating_add(weight.0));
    let mut rolled = if sum == 0 { return None } else { roll(sum) };
    weights.iter().position(|weight| {
        let here = rolled < weight.0;
        rolled = rolled.saturating_sub(weight.0);
        here
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn order(named: Option<&str>, weights: &[u32], rolled: u32) -> String {
        let models = ["a", "b", "c"].map(str::to_owned);
        let weights: Vec<_> = weights.iter().copied().map(Weight).collect();
        of(&models, &weights, named, |sum| rolled % sum).concat()
    }

    #[test]
    fn the_others_follow_in_order() {
        assert_eq!(order(None, &[], 0), "abc");
        assert_eq!(order(Some("b"), &[], 0), "bac");
        assert_eq!(order(Some("unknown"), &[], 0), "abc");
        assert_eq!(order(Some("c"), &[1, 0, 0], 0), "cab", "what is named is not drawn");
    }

    #[test]
    fn each_is_drawn_as_often_as_its_weight() {
        let firsts: String = (0..6).filter_map(|rolled| order(None, &[3, 0, 3], rolled).chars().next()).collect();
        assert_eq!(firsts, "aaaccc");
        assert_eq!(order(None, &[0, 1, 0], 0), "bac");
    }
}
