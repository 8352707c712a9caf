//! Problems as answers: the one place where an error inside becomes what a client sees (RFC 9457).
//!
//! A program gets `application/problem+json`, a browser that navigates gets a small page with the same facts. What
//! happened inside stands in the log under the request id, and in the answer only in development.

mod page;
mod pages;

pub use pages::Pages;
