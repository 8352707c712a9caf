//! The steps of the protocol at which a process may end ([`fault`](crate::fault)), in the order in which a request passes them.

/// The request is whole, and the store was not asked yet.
pub const ASKED: &str = "idempotency.asked";
/// The key is claimed in a transaction that was not committed.
pub const CLAIM_WRITTEN: &str = "idempotency.claim.written";
/// The claim is committed, and nobody has heard of it.
pub const CLAIM_KEPT: &str = "idempotency.claim.kept";
/// The request may go on, and the application has seen nothing of it.
pub const CLAIMED: &str = "idempotency.claimed";
/// The head of the application's answer is here.
pub const ANSWERED: &str = "idempotency.answered";
/// All that is kept of the answer is here, and the store was not asked yet.
pub const ANSWER_WHOLE: &str = "idempotency.answer.whole";
/// The answer is in a transaction that was not committed.
pub const ANSWER_WRITTEN: &str = "idempotency.answer.written";
/// The answer is committed, and the client has seen nothing of it.
pub const ANSWER_KEPT: &str = "idempotency.answer.kept";
/// An answer is about to be given again.
pub const REPLAYING: &str = "idempotency.replaying";
/// An attempt that nobody waits for was taken from its queue, and nothing of that is written.
pub const GIVEN_UP: &str = "idempotency.given_up";
/// The key is free again, in a transaction that was not committed.
pub const RELEASE_WRITTEN: &str = "idempotency.release.written";
/// The key is free again, and nobody has heard of it.
pub const RELEASE_KEPT: &str = "idempotency.release.kept";
/// The outcome is told as unknown, in a transaction that was not committed.
pub const ABANDON_WRITTEN: &str = "idempotency.abandon.written";
/// The outcome is told as unknown, and nobody has heard of it.
pub const ABANDON_KEPT: &str = "idempotency.abandon.kept";

/// All of them.
pub const ALL: [&str; 14] = [
    ASKED,
    CLAIM_WRITTEN,
    CLAIM_KEPT,
    CLAIMED,
    ANSWERED,
    ANSWER_WHOLE,
    ANSWER_WRITTEN,
    ANSWER_KEPT,
    REPLAYING,
    GIVEN_UP,
    RELEASE_WRITTEN,
    RELEASE_KEPT,
    ABANDON_WRITTEN,
    ABANDON_KEPT,
];
