//! When a service asks to be asked again.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use http::{HeaderMap, HeaderName, header::RETRY_AFTER};

/// What services of OpenAI's kind say in milliseconds, and their clients read first.
static RETRY_AFTER_MS: HeaderName = HeaderName::from_static("retry-after-ms");

/// How long the answer asks to wait: `retry-after-ms`, or `Retry-After` in seconds or as a date (RFC 9110 section 10.2.3).
pub(crate) fn retry_after(headers: &HeaderMap, now_unix_us: u64) -> Option<Duration> {
    let text = |name: &HeaderName| headers.get(name)?.to_str().ok().map(str::trim);
    if let Some(ms) = text(&RETRY_AFTER_MS).and_then(|text| text.parse::<f64>().ok()) {
        return Duration::try_from_secs_f64(ms / 1_000.0).ok();
    }
    let text = text(&RETRY_AFTER)?;
    // Some services write fractions, which the standard does not know.
    if let Ok(seconds) = text.parse::<f64>() {
        return Duration::try_from_secs_f64(seconds).ok();
    }
    let at: SystemTime = httpdate::parse_http_date(text).ok()?;
    let now = UNIX_EPOCH.checked_add(Duration::from_micros(now_unix_us))?;
    Some(at.duration_since(now).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wait(name: &'static str, value: &'static str) -> Option<Duration> {
        let mut headers = HeaderMap::new();
        headers.insert(name, value.parse().unwrap());
        // 1994-11-06 08:49:37 UTC
        retry_after(&headers, 784_111_777_000_000)
    }

    #[test]
    fn all_forms_are_read() {
        assert_eq!(wait("retry-after", " 3 "), Some(Duration::from_secs(3)));
        assert_eq!(wait("retry-after", "0.5"), Some(Duration::from_millis(500)));
        assert_eq!(wait("retry-after", "Sun, 06 Nov 1994 08:49:40 GMT"), Some(Duration::from_secs(3)));
        assert_eq!(wait("retry-after", "Sun, 06 Nov 1994 08:00:00 GMT"), Some(Duration::ZERO));
        assert_eq!(wait("retry-after-ms", "1500"), Some(Duration::from_millis(1_500)));
        for broken in ["soon", "-1", "NaN", "inf", ""] {
            assert_eq!(wait("retry-after", broken), None, "{broken}");
        }
    }
}
