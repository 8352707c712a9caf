//! Where it is told that a part of a budget is spent: keys of `[llm]` and of `[llm.budget.NAME]`.

use seawall_core::settings::{BadSetting, Complaint, Field, Literal, Values};
use seawall_store::webhook::{WebhookSecret, WebhookUrl};

/// The address.
pub(crate) const WEBHOOK: Field<WebhookUrl> = Field::new(
    "webhook",
    Literal::Unset,
    "An `https://` address that is told when a part of a budget is spent (`tell_at`), by a signed post; `http://` to this machine only. A budget without its own uses that of `[llm]`. What answers no 2xx is asked again for some three hours. Hidden, because its path may hold a token.",
);

/// What posts are signed with.
pub(crate) const WEBHOOK_SECRET: Field<WebhookSecret> = Field::new(
    "webhook_secret",
    Literal::Unset,
    "Signs what is posted to `webhook`, as Standard Webhooks says (`webhook-id`, `webhook-timestamp`, `webhook-signature`): `whsec_` and 24 to 64 bytes in base64, as `echo whsec_$(openssl rand -base64 32)` makes them.",
);

/// Who is told.
#[derive(Clone, Debug)]
pub(crate) struct Webhook {
    pub(crate) url: WebhookUrl,
    pub(crate) secret: WebhookSecret,
}

impl Webhook {
    /// The one of a section, when it has one.
    pub(crate) fn read(values: &Values) -> Result<Option<Self>, BadSetting> {
        let (url, secret) = (values.find(&WEBHOOK)?, values.find(&WEBHOOK_SECRET)?);
        Ok(url.zip(secret).map(|(url, secret)| Self { url, secret }))
    }
}

/// Each is of no use without the other.
pub(crate) fn demands(values: &Values) -> Option<Complaint> {
    let [url, secret] = [WEBHOOK.key(), WEBHOOK_SECRET.key()].map(|key| values.raw(key).is_some());
    let complaint =
        |key, what: &str, help: &str| Complaint { key: Some(key), what: what.to_owned(), help: help.to_owned() };
    match (url, secret) {
        (true, false) => Some(complaint(
            WEBHOOK.key(),
            "posts to `webhook` would not be signed, so whoever knows the address could send the same",
            "make a secret with: echo whsec_$(openssl rand -base64 32) and write it as `webhook_secret`, or its file as `webhook_secret_file`",
        )),
        (false, true) => Some(complaint(
            WEBHOOK_SECRET.key(),
            "there is a secret to sign posts with, and no `webhook` to post to",
            "name the address as `webhook`, or leave the secret out",
        )),
        _ => None,
    }
}
