//! The field `Content-Digest` (RFC 9530): what the body is said to be.

use http::HeaderMap;

use super::{BadField, Bare, Value, dictionary};

/// The digests that are looked at. Others, such as `md5`, are passed by: they prove nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Digests {
    /// By SHA-256.
    pub sha256: Option<Vec<u8>>,
    /// By SHA-512.
    pub sha512: Option<Vec<u8>>,
}

/// What the field says.
///
/// # Errors
/// [`BadField`] when it is no dictionary.
pub fn digests(headers: &HeaderMap) -> Result<Digests, BadField> {
    let members = dictionary(headers.get_all("content-digest").iter().map(http::HeaderValue::as_bytes))?;
    let of = |name: &str| {
        members.iter().find(|member| member.name == name).and_then(|member| match &member.value {
            Value::Item(Bare::Bytes(bytes)) => Some(bytes.clone()),
            _ => None,
        })
    };
    Ok(Digests { sha256: of("sha-256"), sha512: of("sha-512") })
}
