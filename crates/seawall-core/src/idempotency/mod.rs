//! Requests that are carried out once, however often they come (draft-ietf-httpapi-idempotency-key-header).
//!
//! A caller names an attempt by a [`Key`] that it makes up; the same key again means the same attempt. What is kept is found by the
//! key, the caller and the route together ([`Scope`]), and holds for one request only ([`Fingerprint`]). The [`IdempotencyStore`]
//! is asked twice: [`begin`](IdempotencyStore::begin) before the application sees the request, [`settle`](IdempotencyStore::settle)
//! before the client sees the answer. What is found is judged in one place, [`judge`], for every engine.
//!
//! Between the two a request is in somebody's hands, shown by a [`Lease`]. Whoever dies with it leaves an attempt of which nobody
//! knows whether it was carried out; that is said as it is, or it is tried again, as the route wants ([`Unknown`]).

mod answer;
mod fingerprint;
mod key;
mod lease;
mod names;
pub mod points;
mod record;
mod scope;
mod store;

pub use answer::{Answered, Fate, StoredAnswer, Unreadable, fate};
pub use fingerprint::{Fingerprint, Fingerprinting};
pub use key::{BadKey, Key, LONGEST_KEY};
pub use lease::{Fence, Lease, Life};
pub use names::{Names, Seal};
pub use record::{Found, Judgement, Standing, Unknown, judge};
pub use scope::{Caller, Scope};
pub use store::{Begin, Claim, Ending, IdempotencyStore, Settled, When};
