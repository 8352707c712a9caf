//! The demonstration: a careless sample application, so that somebody without one at hand sees what Seawall does;
//! and a fake LLM, for applications that call one.

mod careless;
pub mod llm;

pub use careless::serve;

/// Seawall's settings in front of it: the defaults, and what such an application needs most.
pub const CONFIGURATION: &str = include_str!("demo.toml");

/// Requests worth trying, each with what to look for.
#[must_use]
pub fn what_to_try(public: &str, admin: &str) -> String {
    format!(
        "Behind it runs a careless sample application. Try:
  curl -i {public}/api/users
      security headers, a request id, rate limit fields; the software's name and its wildcard are gone
  for i in 1 2 3 4 5 6; do curl -s -o /dev/null -w '%{{http_code}} ' -X POST {public}/api/login; done
      five tries a minute, then 429
  curl -s {public}/api/crash
      the stack trace and the password in it stay inside; the log has them, redacted
  curl -s {public}/api/slow
      the application hangs; after 3 s the client is told whose fault it is
  curl -s --path-as-is {public}/api/../etc/passwd
      a path that can be read in two ways is not forwarded
  curl -s {public}/api/echo
      what the application is told: who calls, under which id
  curl -s {admin}/metrics | grep seawall_guard
      what the guards decided
Open {public}/ in a browser for a page. Stop with Ctrl-C.
"
    )
}
