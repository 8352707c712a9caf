//! What `PublicKeyCredential.toJSON()` gives (WebAuthn Level 3, section 5.1.8): all bytes in base64url.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::{Deserialize, Deserializer, de::Error};

/// A credential, as a page sends it. What else stands beside these fields is for other sites.
#[derive(Clone, Debug, Deserialize)]
pub struct SentPasskey {
    /// Its id.
    #[serde(deserialize_with = "bytes")]
    pub id: Vec<u8>,
    /// The same, once more.
    #[serde(rename = "rawId", deserialize_with = "bytes")]
    pub raw_id: Vec<u8>,
    /// "public-key".
    #[serde(rename = "type")]
    pub kind: String,
    /// What the authenticator answered.
    pub response: Response,
}

/// What an authenticator answered.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Response {
    /// What the browser says of it.
    #[serde(rename = "clientDataJSON", deserialize_with = "bytes")]
    pub client_data: Vec<u8>,
    /// When one was made.
    #[serde(deserialize_with = "bytes")]
    pub attestation_object: Vec<u8>,
    /// When one was made: how it can be reached.
    pub transports: Vec<String>,
    /// When one was shown.
    #[serde(deserialize_with = "bytes")]
    pub authenticator_data: Vec<u8>,
    /// When one was shown.
    #[serde(deserialize_with = "bytes")]
    pub signature: Vec<u8>,
    /// When one was shown: whose it is.
    #[serde(deserialize_with = "bytes_or_none")]
    pub user_handle: Option<Vec<u8>>,
}

/// The most transports that are kept, and the longest word for one.
const MOST_TRANSPORTS: usize = 8;
const LONGEST_TRANSPORT: usize = 32;

impl SentPasskey {
    /// Whether the parts fit that name it.
    pub(crate) fn is_whole(&self) -> bool {
        self.kind == "public-key" && self.id == self.raw_id && (1..=super::LONGEST_ID).contains(&self.id.len())
    }

    /// How it can be reached, as it is kept: words that are known and others, since there will be more (section 5.8.4).
    pub(crate) fn transports(&self) -> String {
        let sign = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        let word = |word: &&str| (1..=LONGEST_TRANSPORT).contains(&word.len()) && word.bytes().all(sign);
        let words = self.response.transports.iter().map(String::as_str).filter(word).take(MOST_TRANSPORTS);
        words.collect::<Vec<_>>().join(",")
    }
}

fn bytes<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<u8>, D::Error> {
    let text = String::deserialize(from)?;
    URL_SAFE_NO_PAD.decode(text).map_err(|_| D::Error::custom("it is no base64url"))
}

fn bytes_or_none<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Vec<u8>>, D::Error> {
    let text: Option<String> = Option::deserialize(from)?;
    let decoded = text.filter(|text| !text.is_empty()).map(|text| URL_SAFE_NO_PAD.decode(text)).transpose();
    decoded.map_err(|_| D::Error::custom("it is no base64url"))
}
