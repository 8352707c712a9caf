//! What a report says, for whoever writes it down.

use seawall_core::problem::ProblemType;

use super::{Caller, Example, Need};

/// Where the part of a problem's documentation begins that is for whoever can change settings.
const FOR_THE_OPERATOR: &str = "For the operator: ";

/// What one guard would have refused on one route.
#[derive(Clone, Debug)]
pub struct GuardReport {
    /// The guard.
    pub guard: &'static str,
    /// The pattern of the route.
    pub route: Box<str>,
    /// Whether it only reports at this moment.
    pub reporting: bool,
    /// Since when it counts with these settings, in microseconds since 1970-01-01T00:00:00Z.
    pub since_unix_us: u64,
    /// How many requests it has looked at while it only reported.
    pub seen: u64,
    /// How many of them it would have refused.
    pub refused: u64,
    /// With which problems.
    pub problems: Vec<ProblemReport>,
    /// Which of its settings they were beyond.
    pub needs: Vec<NeedReport>,
}

/// What would have been refused with one problem.
#[derive(Clone, Debug)]
pub struct ProblemReport {
    /// The problem.
    pub kind: &'static ProblemType,
    /// How often.
    pub count: u64,
    /// When for the first time, in microseconds since 1970-01-01T00:00:00Z.
    pub first_unix_us: u64,
    /// And for the last.
    pub last_unix_us: u64,
    /// Whose requests most of them were.
    pub callers: Vec<Caller>,
    /// Some of them: the first, and the latest.
    pub examples: Vec<Example>,
}

/// A setting that requests were beyond.
#[derive(Clone, Debug)]
pub struct NeedReport {
    /// What the request needed that needed most.
    pub most: Need,
    /// How many would have been refused for it.
    pub refused: u64,
    /// Whose request needed most.
    pub caller: Box<str>,
}

impl GuardReport {
    /// What to do about it, a sentence each: settings that would fit; for what no number fits, what the problem tells operators.
    #[must_use]
    pub fn suggestions(&self) -> Vec<String> {
        if self.refused == 0 {
            let seen = grouped(self.seen);
            return match (self.reporting, self.seen) {
                (false, _) => Vec::new(),
                (true, 0) => vec!["no request came by yet; wait before you enforce it".to_owned()],
                (true, _) => vec![format!("would have refused none of {seen}; it can be enforced")],
            };
        }
        let measured = self.needs.iter().map(|need| need.sentence(self.seen));
        let unmeasured = self.problems.iter().filter(|_| self.needs.iter().all(|need| need.refused == 0));
        measured.chain(unmeasured.map(|problem| problem.advice().to_owned())).collect()
    }
}

impl ProblemReport {
    /// What the problem tells operators.
    fn advice(&self) -> &'static str {
        let text = self.kind.documentation;
        text.split_once(FOR_THE_OPERATOR).map_or(text, |(_, advice)| advice)
    }
}

impl NeedReport {
    /// `limits` in `[rate_limit]`: "100/min per ip" would have refused 3 of 12,481; "140/min per ip" would refuse none
    fn sentence(&self, seen: u64) -> String {
        let Need { setting, set, fitting, .. } = &self.most;
        if self.refused == 0 {
            return format!(
                "{setting}: \"{set}\" would refuse some once nothing else does; \"{fitting}\" would refuse none"
            );
        }
        let (refused, seen) = (grouped(self.refused), grouped(seen));
        format!("{setting}: \"{set}\" would have refused {refused} of {seen}; \"{fitting}\" would refuse none")
    }
}

/// A number as people read it: 12,481.
fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut out = String::with_capacity(digits.len() * 4 / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_grouped_by_thousands() {
        let shown = [0, 12, 999, 1_000, 12_481, 1_000_000].map(grouped);
        assert_eq!(shown, ["0", "12", "999", "1,000", "12,481", "1,000,000"]);
    }
}
