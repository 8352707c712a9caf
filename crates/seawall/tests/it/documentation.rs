//! Documentation that cannot go stale: what is generated is generated anew, links lead somewhere, examples are executed.

mod examples;
mod generated;
mod links;
mod markdown;
