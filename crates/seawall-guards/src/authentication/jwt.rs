//! A token in the `Authorization` field: three parts of base64url behind `Bearer`. Whose it is, is said elsewhere.

use http::{HeaderMap, header::AUTHORIZATION};

/// The token, when the field is there once and holds what looks like one. Anything else is the application's own business.
pub(super) fn find(headers: &HeaderMap) -> Option<&[u8]> {
    let mut fields = headers.get_all(AUTHORIZATION).iter();
    let field = fields.next()?.as_bytes();
    if fields.next().is_some() {
        return None;
    }
    let (scheme, token) = field.split_at_checked(7)?;
    let token = token.trim_ascii();
    (scheme.eq_ignore_ascii_case(b"bearer ") && three_parts(token)).then_some(token)
}

fn three_parts(token: &[u8]) -> bool {
    let sign = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
    // The last part is empty in a token without a signature, which is to be refused when it names a key of ours.
    let dots = token.iter().filter(|&&byte| byte == b'.').count();
    dots == 2 && !token.starts_with(b".") && token.iter().all(sign)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(fields: &[&str]) -> Option<String> {
        let mut headers = HeaderMap::new();
        for field in fields {
            headers.append(AUTHORIZATION, field.parse().unwrap());
        }
        find(&headers).map(|token| String::from_utf8(token.to_vec()).unwrap())
    }

    #[test]
    fn only_one_bearer_of_three_parts_is_looked_at() {
        for field in ["Bearer a.b.c", "bearer a.b.c", "BEARER   a.b.c "] {
            assert_eq!(found(&[field]).as_deref(), Some("a.b.c"), "{field}");
        }
        assert_eq!(found(&["Bearer a.b."]).as_deref(), Some("a.b."));
        for other in [
            "",
            "Bearer",
            "Bearer ",
            "Bearer a.b",
            "Bearer a.b.c.d",
            "Bearer a.b.c=",
            "Basic a.b.c",
            "Bearera.b.c",
            "Bearer sw_x",
        ] {
            assert_eq!(found(&[other]), None, "{other}");
        }
        assert_eq!(found(&["Bearer a.b.c", "Bearer a.b.c"]), None);
    }
}
