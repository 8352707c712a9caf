//! Target: the score of a text.
//!
//! Input: the text.

use seawall_guards::payload_filter::{Class, Classes, strongest};

/// Panics when something does not hold for the text.
pub fn check(input: &[u8]) {
    let all = strongest(input, Classes::ALL);
    let each = Class::ALL.map(|class| strongest(input, Classes::of(&[class])));
    for (class, found) in Class::ALL.into_iter().zip(each) {
        assert!(
            found.is_none_or(|found| found.class == class && (1..=10).contains(&found.points)),
            "{class:?} {found:?}"
        );
    }
    let most = each.into_iter().flatten().map(|found| found.points).max();
    assert_eq!(all.map(|found| found.points), most, "the strongest of all is the strongest of each");
    assert!(all.is_none_or(|found| !found.rule.is_empty()), "a finding has a rule");
}
