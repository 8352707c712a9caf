//! The refusals of signed requests.

use http::StatusCode;
use seawall_core::problem::{Fault, ProblemType, Severity};

/// No signature that holds.
pub static REFUSED: ProblemType = ProblemType {
    slug: "signature-refused",
    code: "SIGNATURE_REFUSED",
    status: StatusCode::UNAUTHORIZED,
    title: "The request has to be signed, and its signature does not hold",
    retryable: false,
    fault: Fault::Client,
    severity: Severity::Medium,
    documentation: "This route takes signed requests alone: by RFC 9421 (`Signature-Input`, `Signature`, `Content-Digest`), or as the sender of a webhook signs. The \
        request has no signature, one that is malformed, too old, covers too little or does not match what was sent, or one that came before. The answer says \
        which. Sign every attempt anew, with the time at which it is sent; `Accept-Signature` says what has to be covered.\n\nFor the operator: the keys \
        are those that `require` names, `[signatures.NAME]`; what must be covered and for how long a signature holds is said by `components` and `window` \
        in `[signatures]`. `seawall_signatures_total` counts by key and reason. A proxy in front that changes the path, the host or a covered field breaks every signature.",
};

/// It cannot be said whether a signature came before.
pub static UNAVAILABLE: ProblemType = ProblemType {
    slug: "signature-unavailable",
    code: "SERVICE_UNAVAILABLE",
    status: StatusCode::SERVICE_UNAVAILABLE,
    title: "It cannot be found out whether the request came before",
    retryable: true,
    fault: Fault::Us,
    severity: Severity::High,
    documentation: "The signature holds, and whoever remembers which signatures were taken did not answer or has no room left, so the request was not let in. \
        Sign it again and try in a moment.\n\nFor the operator: see that the shared counters answer (`[store]`); `when_unavailable = \"local\"` in \
        `[signatures]` takes what each node remembers for enough. A node remembers 262,144 signatures at once: with more signed requests than that within \
        `window`, make the window shorter.",
};
