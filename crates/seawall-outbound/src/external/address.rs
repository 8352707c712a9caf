//! Addresses of calls and of redirections.

use http::{HeaderValue, Uri};

/// An address whose query has one parameter of this name, with this value.
pub(super) fn with_parameter(uri: &Uri, name: &str, value: &str) -> Option<Uri> {
    let same = |pair: &&str| pair.split('=').next() != Some(name);
    let others = uri.query().unwrap_or_default().split('&').filter(|pair| !pair.is_empty()).filter(same);
    let value = seawall_core::http::percent::encoded(value, "-._~");
    let query = others.map(str::to_owned).chain([format!("{name}={value}")]).collect::<Vec<_>>().join("&");
    let mut parts = uri.clone().into_parts();
    parts.path_and_query = Some(format!("{}?{query}", uri.path()).try_into().ok()?);
    Uri::from_parts(parts).ok()
}

/// The address that a `Location` means (RFC 3986 section 5.2), for those forms that services write: whole, from the root, or none.
pub(super) fn resolved(from: &Uri, location: &str) -> Option<Uri> {
    let location = location.split('#').next().unwrap_or_default();
    if location.starts_with('/') && !location.starts_with("//") {
        let mut parts = from.clone().into_parts();
        parts.path_and_query = Some(location.try_into().ok()?);
        return Uri::from_parts(parts).ok();
    }
    location.parse().ok().filter(|uri: &Uri| uri.authority().is_some() && uri.scheme().is_some())
}

/// The host that a `Location` names, for the log.
pub(super) fn host_of(location: &HeaderValue) -> String {
    let uri = location.to_str().ok().and_then(|location| location.parse::<Uri>().ok());
    uri.and_then(|uri| uri.host().map(str::to_owned)).unwrap_or_else(|| "an address that cannot be read".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_in_the_query_replaces_what_the_call_brought() {
        let uri = |text: &str| text.parse::<Uri>().unwrap();
        let added = |text: &str| with_parameter(&uri(text), "key", "a/b&c=d").unwrap().to_string();
        assert_eq!(added("https://a/b?key=mine&x=1&key"), "https://a/b?x=1&key=a%2Fb%26c%3Dd");
        assert_eq!(added("https://a/b"), "https://a/b?key=a%2Fb%26c%3Dd");
    }

    #[test]
    fn locations_are_resolved() {
        let from: Uri = "https://a/v1/x?y".parse().unwrap();
        let led = |location: &str| resolved(&from, location).map(|uri| uri.to_string());
        assert_eq!(led("/v1/z?q#part").as_deref(), Some("https://a/v1/z?q"));
        assert_eq!(led("https://b/z").as_deref(), Some("https://b/z"));
        for unread in ["//b/z", "z", "", "javascript:alert(1)"] {
            assert_eq!(led(unread), None, "{unread}");
        }
    }
}
