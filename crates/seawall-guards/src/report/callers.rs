//! Who was reported most, counted in fixed space (Metwally et al., the space-saving algorithm).

/// How many are counted; whoever makes more than one in so many of a row's reports is among them.
const MOST: usize = 32;

/// One caller of those reported most.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Caller {
    /// The principal's id or, of nobody in particular, the address: as the request log has it.
    pub name: Box<str>,
    /// How often at most.
    pub count: u64,
    /// How much of that may be others', whose place it took.
    pub over: u64,
}

/// The callers of one row.
#[derive(Debug, Default)]
pub(super) struct Callers(Vec<Caller>);

impl Callers {
    pub(super) fn add(&mut self, name: &str) {
        if let Some(known) = self.0.iter_mut().find(|caller| &*caller.name == name) {
            known.count += 1;
        } else if self.0.len() < MOST {
            self.0.push(Caller { name: name.into(), count: 1, over: 0 });
        } else if let Some(least) = self.0.iter_mut().min_by_key(|caller| caller.count) {
            *least = Caller { name: name.into(), count: least.count + 1, over: least.count };
        }
    }

    /// The first `most`, the busiest first.
    pub(super) fn top(&self, most: usize) -> Vec<Caller> {
        let mut all = self.0.clone();
        all.sort_by(|one, other| other.count.cmp(&one.count).then_with(|| one.name.cmp(&other.name)));
        all.truncate(most);
        all
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn nobody_busy_is_missed_and_no_count_is_too_low(names in prop::collection::vec(0_u32..200, 1..2_000)) {
            let mut callers = Callers::default();
            let mut truth: HashMap<String, u64> = HashMap::new();
            for name in names.iter().map(|name| if name % 3 == 0 { 1 } else { *name }) {
                callers.add(&name.to_string());
                *truth.entry(name.to_string()).or_default() += 1;
            }
            prop_assert!(callers.0.len() <= MOST);
            for caller in callers.top(MOST) {
                let count = truth[&*caller.name];
                prop_assert!(caller.count >= count && caller.count - caller.over <= count, "{caller:?} is {count}");
            }
            for (name, count) in truth {
                let kept = callers.0.iter().any(|caller| *caller.name == *name);
                prop_assert!(kept || count <= names.len() as u64 / MOST as u64, "{name} with {count} is missed");
            }
        }
    }
}
