//! Whether a proxy did the duties it is measured with: a comparison with one that left some out would say nothing.

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::Path;

use super::http::Answer;

const HEADERS_EXPECTED: usize = 6;

/// What counts as one of the six headers; which six a proxy sends is its own choice.
const SECURITY_HEADERS: [&str; 12] = [
    "x-xss-protection",
    "content-security-policy",
    "cross-origin-embedder-policy",
    "cross-origin-opener-policy",
    "cross-origin-resource-policy",
    "origin-agent-cluster",
    "permissions-policy",
    "referrer-policy",
    "strict-transport-security",
    "x-content-type-options",
    "x-frame-options",
    "x-permitted-cross-domain-policies",
];

/// Short of this share a log is not one line per request. What is left out at most: requests under way at the end of a run.
const LEAST_LOGGED_PERCENT: u64 = 99;

/// What an answer lacks.
pub(crate) fn missing_in(answer: &Answer) -> Vec<String> {
    let mut missing = Vec::new();
    let headers = SECURITY_HEADERS.iter().filter(|name| answer.header(name).is_some()).count();
    if headers < HEADERS_EXPECTED {
        missing.push(format!("sent {headers} security headers instead of {HEADERS_EXPECTED}"));
    }
    if answer.header("x-request-id").is_none() {
        missing.push("sent no X-Request-Id".to_owned());
    }
    missing
}

/// What a request log lacks after `requests` requests.
pub(crate) fn missing_in_log(log: &Path, requests: u64) -> Option<String> {
    let lines = File::open(log).map_or(0, |file| json_lines(BufReader::new(file)));
    let percent = 100 * lines / requests.max(1);
    (percent < LEAST_LOGGED_PERCENT).then(|| format!("logged {percent} % of its requests"))
}

/// Lines that begin an object. Reads line feeds in bulk: a log has hundreds of megabytes.
fn json_lines(mut log: impl BufRead) -> u64 {
    let mut line = Vec::new();
    let mut count = 0;
    while log.read_until(b'\n', &mut line).is_ok_and(|read| read > 0) {
        count += u64::from(line.first() == Some(&b'{'));
        line.clear();
    }
    count
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock;

    #[test]
    fn an_answer_that_lacks_a_duty_is_told() {
        let with = |names: &[&str]| {
            let headers = names.iter().map(|name| ((*name).to_owned(), "a".to_owned())).collect();
            Answer { status: 200, headers, body: Vec::new(), received_at: clock::now() }
        };
        assert_eq!(
            missing_in(&with(&["server", "referrer-policy"])),
            ["sent 1 security headers instead of 6", "sent no X-Request-Id"]
        );
        let mut all = SECURITY_HEADERS[..6].to_vec();
        all.push("x-request-id");
        assert!(missing_in(&with(&all)).is_empty());
    }

    #[test]
    fn a_log_with_too_few_lines_is_told() {
        assert_eq!(json_lines("{\"a\":1}\nwarning\n{\"a\":2}\n".as_bytes()), 2);
        assert_eq!(missing_in_log(Path::new("no-such-file"), 10), Some("logged 0 % of its requests".to_owned()));
    }
}
