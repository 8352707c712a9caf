//! The problem of a request that a page of another site made; Seawall's own paths answer it, and the guard of the application's.

use http::StatusCode;

use crate::problem::{Fault, ProblemType, Severity};

/// A page of another site made the request.
pub static CROSS_SITE_REFUSED: ProblemType = ProblemType {
    slug: "cross-site-refused",
    code: "CROSS_SITE_REFUSED",
    status: StatusCode::FORBIDDEN,
    title: "This may only be asked by pages of this site",
    retryable: false,
    fault: Fault::Client,
    severity: Severity::Low,
    documentation: "The browser says that a page of another site made this request (`Sec-Fetch-Site`, `Origin`, `Referer`), or does not say which page, where \
        that is asked for. Signing in, changing an account, and whatever changes something with the visitor's cookies is for the site's own pages, so that nobody is signed in \
        or out, or made to do something, without wanting it.\n\nFor the operator: on the application's paths, a page of another origin that is yours as well is trusted by \
        `origins` in `[cors]` or `trusted` in `[csrf]`; `require` there asks for what says where a request comes from. On Seawall's own paths none is: serve the page \
        from the same host, or let its server ask.",
};
