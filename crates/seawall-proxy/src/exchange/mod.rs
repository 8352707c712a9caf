//! One request and its answer, followed from the head that was read to the last byte that was sent.
//!
//! [`Begun::answer`] is the whole way: the guards before the route, the route, its guards, the target, the guards on the answer, the
//! dressing. The exchange then travels with the answer's body and ends with it, however it ends: only then are guards told,
//! and the log line and the metrics written. [`refuse`] answers for what is no request.

mod alike;
mod answer;
mod at_length;
mod attempt;
mod brief;
mod compress;
mod discard;
mod end;
mod failed;
mod follow;
mod forward;
mod hold;
mod inspect;
mod precondition;
mod refuse;
mod request;
mod socket;
mod spare;
mod tunnel;
mod upload;

pub(crate) use answer::Outbound;
pub(crate) use end::Exchange;
pub(crate) use refuse::refuse;
pub(crate) use request::Begun;
pub(crate) use upload::Sending;
