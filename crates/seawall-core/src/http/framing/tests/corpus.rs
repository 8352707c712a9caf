//! The corpus of requests that is also sent to real servers: the checker's part of what Seawall must do with each.

#[path = "../../../../../seawall/tests/it/corpus/cases.rs"]
mod cases;

use cases::{Case, Must, cases};

use super::{
    super::{Outcome, Rule},
    feeding::requests,
};

#[test]
fn every_case_of_the_corpus_gets_its_verdict() {
    let cases = cases();
    assert!(cases.len() >= 300, "{}", cases.len());
    let mut wrong = Vec::new();
    for Case { name, must, most, bytes } in cases {
        let verdict = requests(&bytes);
        let (rule, heads) = (verdict.rule().map(Rule::name), verdict.progress.heads);
        let right = match must {
            Must::Refuse(broken) => rule == Some(broken) && heads <= most,
            // That nothing is read after a `Connection: close` is the library's business.
            Must::Pass | Must::Guard if name == "close_then_bytes" => heads == 2,
            Must::Pass | Must::Guard => verdict.outcome == Outcome::Go && heads == most,
        };
        if !right {
            wrong.push(format!("{name}: {rule:?} after {heads} heads"));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}
