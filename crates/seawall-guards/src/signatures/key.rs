//! A key: `[signatures.NAME]`.

use std::sync::Arc;

use http::HeaderValue;
use seawall_core::{
    meter::Meter,
    settings::{BadSetting, Secret, Values},
};

use super::{
    algorithm::{self, Algorithm, Spelling, Verifier},
    config::{ALGORITHM, KEY_ID, PRESET, PUBLIC_KEY, Preset, SECRET},
    outcome::Outcomes,
};

/// A key and how it is used.
#[derive(Debug)]
pub(super) struct Key {
    pub(super) name: Arc<str>,
    pub(super) header: HeaderValue,
    pub(super) outcomes: Outcomes,
    pub(super) used: Use,
}

/// How it is used.
#[derive(Debug)]
pub(super) enum Use {
    /// By RFC 9421.
    Message { id: String, algorithm: Algorithm, verifier: Verifier },
    /// By somebody's webhooks.
    Webhook { preset: Preset, secrets: Vec<aws_lc_rs::hmac::Key> },
}

/// What is wrong with the settings of a key.
pub(super) struct Wrong {
    pub(super) key: &'static str,
    pub(super) what: String,
    pub(super) help: &'static str,
}

impl Use {
    /// Reads the settings.
    pub(super) fn read(name: &str, values: &Values) -> Result<Self, Wrong> {
        let bad =
            |fault: BadSetting| Wrong { key: fault.key, what: fault.reason, help: "write it as the reference says" };
        let wrong = |key, what: String, help| Err(Wrong { key, what, help });
        let id = values.find(&KEY_ID).map_err(bad)?;
        let algorithm = values.find(&ALGORITHM).map_err(bad)?;
        let secret = values.find(&SECRET).map_err(bad)?;
        let public = values.find(&PUBLIC_KEY).map_err(bad)?;
        let secrets = |spelling| read_secrets(secret.as_ref(), spelling);
        if let Some(preset) = values.find(&PRESET).map_err(bad)? {
            let other = [
                (id.is_some(), KEY_ID.key()),
                (algorithm.is_some(), ALGORITHM.key()),
                (public.is_some(), PUBLIC_KEY.key()),
            ];
            if let Some((_, key)) = other.into_iter().find(|(written, _)| *written) {
                return wrong(
                    key,
                    "the preset says this already".to_owned(),
                    "remove it; a preset needs `secret` alone",
                );
            }
            let spelling = if preset == Preset::StandardWebhooks { Spelling::StandardWebhooks } else { Spelling::Text };
            return Ok(Self::Webhook { preset, secrets: secrets(spelling)? });
        }
        let Some(algorithm) = algorithm else {
            return wrong(
                ALGORITHM.key(),
                "there is neither an algorithm nor a preset".to_owned(),
                "write an algorithm such as \"ed25519\" for requests signed by RFC 9421, or `preset` for webhooks",
            );
        };
        let verifier = match (algorithm, public) {
            (Algorithm::Hmac, None) => Verifier::Secrets(secrets(Spelling::Text)?),
            (Algorithm::Hmac, Some(_)) => {
                return wrong(PUBLIC_KEY.key(), "hmac-sha256 has no public key".to_owned(), "write `secret` instead");
            }
            (_, Some(_)) if secret.is_some() => {
                return wrong(SECRET.key(), format!("{} has no secret", algorithm.name()), "remove it");
            }
            (_, Some(public)) => Verifier::public(algorithm, public.text()).map_err(|what| Wrong {
                key: PUBLIC_KEY.key(),
                what,
                help: "write it as PEM (`-----BEGIN PUBLIC KEY-----`), as `openssl pkey -pubout` prints it",
            })?,
            (_, None) => {
                let what = format!("{} needs a public key", algorithm.name());
                return wrong(PUBLIC_KEY.key(), what, "write `public_key`, or name a file with `public_key_file`");
            }
        };
        Ok(Self::Message { id: id.unwrap_or_else(|| name.to_owned()), algorithm, verifier })
    }
}

/// The secrets of a key that has some.
fn read_secrets(secret: Option<&Secret>, spelling: Spelling) -> Result<Vec<aws_lc_rs::hmac::Key>, Wrong> {
    let wrong = |what, help| Wrong { key: SECRET.key(), what, help };
    let Some(secret) = secret else {
        return Err(wrong(
            "there is no secret".to_owned(),
            "write `secret`, or name a file that holds it with `secret_file`",
        ));
    };
    let help =
        "write one secret, or several separated by spaces while they are changed; `openssl rand -hex 32` makes one";
    algorithm::secrets(secret.expose(), spelling).map_err(|what| wrong(what, help))
}

impl Key {
    /// Reads a key whose settings were checked.
    pub(super) fn read(name: &str, values: &Values, meter: &dyn Meter) -> Result<Self, BadSetting> {
        let used = Use::read(name, values).map_err(|wrong| BadSetting { key: wrong.key, reason: wrong.what })?;
        let header = HeaderValue::from_str(name)
            .map_err(|_| BadSetting { key: "require", reason: format!("`{name}` can stand in no header field") })?;
        Ok(Self { name: name.into(), header, outcomes: Outcomes::new(meter, name), used })
    }
}
