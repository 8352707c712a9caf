//! ID tokens (OpenID Connect Core 1.0, section 3.1.3.7): a pure decision on a token, keys, and what is expected.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::Deserialize;
use subtle::ConstantTimeEq;

use super::jwks::Key;

/// The longest token that is looked at.
const LONGEST: usize = 16 * 1024;

/// How far the issuer's clock may be from ours, in seconds.
const LEEWAY_S: i64 = 60;

/// The longest subject (section 2).
const LONGEST_SUBJECT: usize = 255;

/// What a token has to say.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Expected<'a> {
    pub(crate) issuer: &'a str,
    pub(crate) client_id: &'a str,
    /// The nonce that was sent, where one was.
    pub(crate) nonce: Option<&'a str>,
    pub(crate) now_s: i64,
}

/// Whom a good token is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Subject {
    pub(crate) subject: String,
    /// The address, when the issuer has verified it.
    pub(crate) email: Option<String>,
    pub(crate) name: Option<String>,
    pub(crate) expires_s: i64,
}

/// Why a token is refused; for the log alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Refusal {
    #[error("it is no signed token")]
    Form,
    #[error("its key is not among the issuer's")]
    UnknownKey,
    #[error("its algorithm is not the key's")]
    Algorithm,
    #[error("its signature is not the key's")]
    Signature,
    #[error("its claims cannot be read")]
    Claims,
    #[error("it is of another issuer")]
    Issuer,
    #[error("it is for another site")]
    Audience,
    #[error("it answers another request")]
    Nonce,
    #[error("it has expired, or is from the future")]
    Time,
}

#[derive(Deserialize)]
struct Header {
    alg: String,
    #[serde(default)]
    kid: String,
    crit: Option<serde_json::Value>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Audience {
    One(String),
    Many(Vec<String>),
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Flag {
    Said(bool),
    Text(String),
}

#[derive(Deserialize)]
struct Claims {
    iss: String,
    sub: String,
    aud: Audience,
    azp: Option<String>,
    exp: i64,
    iat: i64,
    nbf: Option<i64>,
    nonce: Option<String>,
    email: Option<String>,
    email_verified: Option<Flag>,
    name: Option<String>,
}

/// Verifies a token.
pub(crate) fn verify(keys: &[Key], token: &str, expected: &Expected<'_>) -> Result<Subject, Refusal> {
    let mut parts = token.split('.');
    let (Some(header), Some(payload), Some(signature), None) = (parts.next(), parts.next(), parts.next(), parts.next())
    else {
        return Err(Refusal::Form);
    };
    if token.len() > LONGEST {
        return Err(Refusal::Form);
    }
    let decode = |part: &str| URL_SAFE_NO_PAD.decode(part).map_err(|_| Refusal::Form);
    let Header { alg, kid, crit } = serde_json::from_slice(&decode(header)?).map_err(|_| Refusal::Form)?;
    if crit.is_some() {
        return Err(Refusal::Form);
    }
    let key = match keys {
        // Who has one key need not name it.
        [only] if kid.is_empty() => only,
        _ => keys.iter().find(|key| !kid.is_empty() && key.kid == kid).ok_or(Refusal::UnknownKey)?,
    };
    if alg != key.algorithm() {
        return Err(Refusal::Algorithm);
    }
    let signed = token.get(..header.len() + 1 + payload.len()).unwrap_or_default();
    if !key.verifies(signed.as_bytes(), &decode(signature)?) {
        return Err(Refusal::Signature);
    }
    judge(serde_json::from_slice(&decode(payload)?).map_err(|_| Refusal::Claims)?, expected)
}

fn judge(claims: Claims, expected: &Expected<'_>) -> Result<Subject, Refusal> {
    if claims.iss != expected.issuer {
        return Err(Refusal::Issuer);
    }
    let for_us = match &claims.aud {
        Audience::One(one) => one == expected.client_id,
        // Of several, the one that asked has to be named.
        Audience::Many(many) => {
            many.iter().any(|one| one == expected.client_id) && (many.len() == 1 || claims.azp.is_some())
        }
    };
    if !for_us || claims.azp.as_ref().is_some_and(|azp| azp != expected.client_id) {
        return Err(Refusal::Audience);
    }
    let now = expected.now_s;
    let from = claims.nbf.unwrap_or(claims.iat).max(claims.iat);
    if claims.exp <= now.saturating_sub(LEEWAY_S) || from > now.saturating_add(LEEWAY_S) {
        return Err(Refusal::Time);
    }
    if let Some(nonce) = expected.nonce {
        let same = claims.nonce.as_deref().is_some_and(|said| said.as_bytes().ct_eq(nonce.as_bytes()).into());
        if !same {
            return Err(Refusal::Nonce);
        }
    }
    if claims.sub.is_empty() || claims.sub.len() > LONGEST_SUBJECT {
        return Err(Refusal::Claims);
    }
    let verified = match claims.email_verified {
        Some(Flag::Said(said)) => said,
        Some(Flag::Text(text)) => text == "true",
        None => false,
    };
    Ok(Subject {
        subject: claims.sub,
        email: claims.email.filter(|_| verified),
        name: claims.name,
        expires_s: claims.exp,
    })
}

#[cfg(test)]
mod tests {
    use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair};
    use serde_json::{Value, json};

    use super::{super::jwks, *};

    const NOW: i64 = 1_800_000_000;

    fn pair(seed: u8) -> Ed25519KeyPair {
        Ed25519KeyPair::from_seed_unchecked(&[seed; 32]).unwrap()
    }

    fn keys(kids: &[(&str, u8)]) -> Vec<Key> {
        let jwk = |(kid, seed): &(&str, u8)| {
            let x = URL_SAFE_NO_PAD.encode(pair(*seed).public_key().as_ref());
            json!({ "kty": "OKP", "crv": "Ed25519", "kid": kid, "x": x, "use": "sig" })
        };
        let set = json!({ "keys": kids.iter().map(jwk).collect::<Vec<_>>() });
        jwks::read(set.to_string().as_bytes()).unwrap()
    }

    fn signed(header: &Value, claims: &Value, seed: u8) -> String {
        let encode = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let message = format!("{}.{}", encode(header), encode(claims));
        let signature = pair(seed).sign(message.as_bytes());
        format!("{message}.{}", URL_SAFE_NO_PAD.encode(signature.as_ref()))
    }

    fn claims() -> Value {
        json!({ "iss": "https://issuer.example", "sub": "s1", "aud": "us", "exp": NOW + 300, "iat": NOW, "nonce": "n1",
                "email": "ann@example.org", "email_verified": true })
    }

    fn with(key: &str, value: Value) -> Value {
        let mut claims = claims();
        claims[key] = value;
        claims
    }

    fn judged(header: &Value, claims: &Value, seed: u8) -> Result<Subject, Refusal> {
        let expected = Expected { issuer: "https://issuer.example", client_id: "us", nonce: Some("n1"), now_s: NOW };
        verify(&keys(&[("k1", 1), ("k2", 2)]), &signed(header, claims, seed), &expected)
    }

    #[test]
    fn a_good_token_says_who_it_is_and_every_other_is_refused_for_its_reason() {
        let header = || json!({ "alg": "EdDSA", "kid": "k1" });
        let good = judged(&header(), &claims(), 1).unwrap();
        assert_eq!((good.subject.as_str(), good.email.as_deref()), ("s1", Some("ann@example.org")));
        for claims in [with("aud", json!(["us"])), with("azp", json!("us")), with("exp", json!(NOW - 59))] {
            assert!(judged(&header(), &claims, 1).is_ok(), "{claims}");
        }
        for (claims, refusal) in [
            (with("iss", json!("https://issuer.example/")), Refusal::Issuer),
            (with("iss", json!("https://evil.example")), Refusal::Issuer),
            (with("aud", json!("them")), Refusal::Audience),
            (with("aud", json!(["us", "them"])), Refusal::Audience),
            (with("azp", json!("them")), Refusal::Audience),
            (with("nonce", json!("n2")), Refusal::Nonce),
            (with("nonce", Value::Null), Refusal::Nonce),
            (with("exp", json!(NOW - 60)), Refusal::Time),
            (with("iat", json!(NOW + 61)), Refusal::Time),
            (with("nbf", json!(NOW + 61)), Refusal::Time),
            (with("sub", json!("")), Refusal::Claims),
            (with("sub", json!("x".repeat(256))), Refusal::Claims),
            (with("exp", json!("soon")), Refusal::Claims),
        ] {
            assert_eq!(judged(&header(), &claims, 1), Err(refusal), "{claims}");
        }
        for (header, seed, refusal) in [
            (json!({ "alg": "none", "kid": "k1" }), 1, Refusal::Algorithm),
            (json!({ "alg": "HS256", "kid": "k1" }), 1, Refusal::Algorithm),
            (json!({ "alg": "RS256", "kid": "k1" }), 1, Refusal::Algorithm),
            (json!({ "alg": "EdDSA", "kid": "k3" }), 1, Refusal::UnknownKey),
            (json!({ "alg": "EdDSA" }), 1, Refusal::UnknownKey),
            (json!({ "alg": "EdDSA", "kid": "k2" }), 1, Refusal::Signature),
            (json!({ "alg": "EdDSA", "kid": "k1" }), 3, Refusal::Signature),
            (json!({ "alg": "EdDSA", "kid": "k1", "crit": ["x"] }), 1, Refusal::Form),
        ] {
            assert_eq!(judged(&header, &claims(), seed), Err(refusal), "{header}");
        }
        assert_eq!(judged(&header(), &with("email_verified", json!("false")), 1).unwrap().email, None);
    }

    #[test]
    fn what_is_no_token_is_refused_whatever_it_is() {
        let expected = Expected { issuer: "i", client_id: "c", nonce: None, now_s: NOW };
        let unsigned = format!("{}.{}.", URL_SAFE_NO_PAD.encode(r#"{"alg":"none"}"#), URL_SAFE_NO_PAD.encode("{}"));
        for token in ["", "..", "a.b", "a.b.c.d", &unsigned, &"x".repeat(20_000)] {
            assert!(verify(&keys(&[("k1", 1)]), token, &expected).is_err(), "{token}");
        }
    }
}
