//! Values of `[identity]` that tokens add.

use seawall_core::settings::{Raw, Setting, Shape, choice};

/// What browsers keep.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Browser {
    /// A session.
    Session,
    /// An access token and a refresh token.
    Tokens,
}

impl Setting for Browser {
    const SHAPE: Shape = Shape::Choice(&["session", "tokens"]);

    fn read(raw: &Raw) -> Result<Self, String> {
        choice(raw, &[("session", Self::Session), ("tokens", Self::Tokens)])
    }
}

/// The longest name of an issuer or an audience.
const LONGEST: usize = 256;

/// The name of an issuer or an audience (RFC 7519 section 2: a `StringOrURI`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TokenName(String);

impl TokenName {
    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Setting for TokenName {
    const SHAPE: Shape = Shape::Text("issuer or audience", "https://app.example");

    fn read(raw: &Raw) -> Result<Self, String> {
        let Raw::Text(text) = raw else { return Err(format!("expected text, found {}", raw.kind())) };
        let plain = |byte: u8| byte.is_ascii_graphic() && byte != b'"' && byte != b'\\';
        if (1..=LONGEST).contains(&text.len()) && text.bytes().all(plain) {
            return Ok(Self(text.clone()));
        }
        Err(format!(
            "\"{}\" names nobody in a token; use letters, digits and signs of ASCII, {LONGEST} at most, such as \"https://app.example\"",
            text.escape_debug()
        ))
    }
}

/// Where people sign in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignInPage(String);

impl SignInPage {
    /// The path or the address.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Setting for SignInPage {
    const SHAPE: Shape = Shape::Text("path or address", "/login");

    fn read(raw: &Raw) -> Result<Self, String> {
        let Raw::Text(text) = raw else { return Err(format!("expected text, found {}", raw.kind())) };
        let path = text.starts_with('/') && !text.starts_with("//") && !text.starts_with("/\\");
        let address =
            ["https://", "http://"].iter().any(|scheme| text.len() > scheme.len() && text.starts_with(scheme));
        if (path || address) && text.len() <= 2_048 && text.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'#')
        {
            return Ok(Self(text.clone()));
        }
        Err(format!(
            "\"{}\" is no page to sign in at; write a path such as \"/login\", or an address such as \"https://app.example/login\"",
            text.escape_debug()
        ))
    }
}
