//! What the browser says of a ceremony (WebAuthn Level 3, section 5.8.1): for which page it is, and what it answers.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::Deserialize;
use subtle::ConstantTimeEq;

use super::{Refusal, RelyingParty};

/// The longest that is read, in bytes.
const LONGEST: usize = 4_096;

#[derive(Deserialize)]
struct ClientData {
    #[serde(rename = "type")]
    kind: String,
    challenge: String,
    origin: String,
    #[serde(rename = "crossOrigin")]
    cross_origin: Option<bool>,
    #[serde(rename = "topOrigin")]
    top_origin: Option<String>,
}

/// Checks it: the kind of ceremony, the challenge, and the page.
pub(super) fn check(bytes: &[u8], kind: &str, challenge: &str, party: &RelyingParty) -> Result<(), Refusal> {
    if bytes.len() > LONGEST {
        return Err(Refusal::ClientData("it is too long"));
    }
    // Fields that are not known are passed by: browsers add some on purpose (section 5.8.1.1). One that comes twice is refused.
    let said: ClientData = serde_json::from_slice(bytes).map_err(|_| Refusal::ClientData("it is not its JSON"))?;
    if said.kind != kind {
        return Err(Refusal::ClientData("it is of another ceremony"));
    }
    let decoded = URL_SAFE_NO_PAD.decode(&said.challenge).map_err(|_| Refusal::Challenge)?;
    let wanted = URL_SAFE_NO_PAD.decode(challenge).map_err(|_| Refusal::Challenge)?;
    if wanted.len() != 32 || !bool::from(decoded.ct_eq(&wanted)) {
        return Err(Refusal::Challenge);
    }
    if !party.origins.iter().any(|origin| origin.as_str() == said.origin) {
        return Err(Refusal::Origin(said.origin.chars().take(256).collect()));
    }
    if said.cross_origin == Some(true) || said.top_origin.is_some() {
        return Err(Refusal::CrossOrigin);
    }
    Ok(())
}
