//! What a request that changes something says it knows, and whether that is so.

use http::{
    HeaderMap, HeaderValue,
    header::{ETAG, IF_MATCH, IF_NONE_MATCH},
};
use seawall_core::{
    http::{EntityTag, Tags},
    problem::Problem,
};

use super::{CURRENT_UNKNOWN, Current, PRECONDITION_FAILED, RESOURCE_BUSY, state::Condition};

impl Condition {
    /// What the request says; nothing when it says nothing that can be read.
    pub(super) fn of(headers: &HeaderMap) -> Option<Self> {
        let lines = |name| headers.get_all(name).into_iter();
        if headers.contains_key(IF_MATCH) {
            Tags::parse(lines(IF_MATCH).map(HeaderValue::as_bytes))?;
            return Some(Self::Has(lines(IF_MATCH).cloned().collect()));
        }
        let nothing = Tags::parse(lines(IF_NONE_MATCH).map(HeaderValue::as_bytes)) == Some(Tags::Any);
        nothing.then_some(Self::Nothing)
    }

    /// Whether it is so; the problem when it is not, or nobody can know.
    pub(super) fn refusal(&self, current: &Current) -> Option<Problem> {
        let failed = |detail: &'static str| Some(Problem::new(&PRECONDITION_FAILED).detail(detail));
        match (self, current) {
            (_, Current::Taken) => Some(Problem::new(&RESOURCE_BUSY).retry_after(1)),
            (_, Current::Unknown(why)) => Some(Problem::new(&CURRENT_UNKNOWN).inside(why.clone())),
            (Self::Nothing, Current::Absent) => None,
            (Self::Nothing, Current::Tagged(tag)) => {
                let problem = Problem::new(&PRECONDITION_FAILED).detail("There is such a resource already.");
                Some(problem.header(ETAG, tag.clone()))
            }
            (Self::Has(_), Current::Absent) => failed("There is no such resource any more."),
            (Self::Has(lines), Current::Tagged(tag)) => differs(lines, tag),
        }
    }
}

fn differs(lines: &[HeaderValue], tag: &HeaderValue) -> Option<Problem> {
    let tags = Tags::parse(lines.iter().map(HeaderValue::as_bytes));
    let current = EntityTag::parse(tag.as_bytes());
    let same = tags.as_ref().is_some_and(|tags| match current {
        Some(current) => tags.strongly(&current),
        None => *tags == Tags::Any,
    });
    if same {
        return None;
    }
    let weakly = current.is_some_and(|current| tags.is_some_and(|tags| tags.weakly(&current)));
    let detail = if weakly {
        "A weak tag does not say that every byte is the same, so it never matches in `If-Match`."
    } else {
        "The resource is not the one that `If-Match` names: it has changed since it was read."
    };
    Some(Problem::new(&PRECONDITION_FAILED).detail(detail).header(ETAG, tag.clone()))
}
