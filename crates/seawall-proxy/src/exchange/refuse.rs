//! The answer for bytes that are no request: a problem like any other, dressed, logged and counted.

use std::{rc::Rc, sync::Arc};

use http::{Request, Response};
use seawall_core::{
    http::framing::{Refusal, Rule},
    problem::{Problem, ProblemType},
};
use seawall_guards::{Peer, strict_http};

use super::{Exchange, Outbound};
use crate::{
    core::Core,
    edge::Activity,
    problems::{CODING_UNKNOWN, URI_TOO_LONG, VERSION_UNSUPPORTED},
};

/// Answers for a refused head, of which `known` holds what is known. No guard is asked: there is nothing to decide on.
pub(crate) fn refuse(
    core: Rc<Core>,
    activity: &Rc<Activity>,
    peer: &Arc<Peer>,
    refusal: Refusal,
    known: &Request<()>,
) -> Response<Outbound> {
    let mut exchange = Exchange::begin(core, Rc::clone(activity), peer, known);
    let problem = Problem::new(kind(refusal)).detail(refusal.detail()).inside(refusal.to_string()).close();
    let answer = exchange.refused(&problem);
    Outbound::dress(exchange, answer)
}

/// The type of problem that a broken rule is. The statuses agree with the rules'; a test holds them to it.
const fn kind(refusal: Refusal) -> &'static ProblemType {
    match refusal.rule {
        Rule::MissingHost | Rule::RepeatedHost | Rule::InvalidHost => &strict_http::INVALID_HOST,
        Rule::HeadTooLarge | Rule::TooManyFields | Rule::TrailersTooLarge => &strict_http::HEADERS_TOO_LARGE,
        Rule::RequestLineTooLong => &URI_TOO_LONG,
        Rule::UnknownTransferCoding => &CODING_UNKNOWN,
        Rule::UnsupportedVersion => &VERSION_UNSUPPORTED,
        _ => &strict_http::INVALID_REQUEST,
    }
}

#[cfg(test)]
mod tests {
    use seawall_core::http::framing::{Refusal, Rule, Side};

    use super::kind;

    #[test]
    fn every_rule_has_a_problem_of_its_status() {
        for &rule in Rule::ALL {
            let refusal = Refusal { rule, side: Side::Request, offset: 0 };
            assert_eq!(kind(refusal).status.as_u16(), refusal.status(), "{}", rule.name());
        }
    }
}
