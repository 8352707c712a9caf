//! Users and sessions as JSON.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use seawall_core::{
    membership::Tier,
    principal::{Principal, Role},
    scope::Scope,
};
use serde_json::{Value, json};

use crate::{
    keys::ApiKey,
    passkeys::Passkey,
    people::{Factors, MadeKey, ResetOffer, Tokens},
    sessions::Session,
    tokens::KeyShown,
    users::User,
};

/// A user as it sees itself.
pub(super) fn own(user: &User) -> Value {
    json!({ "id": user.id, "name": user.name, "roles": names(&user.roles) })
}

/// The same of a principal.
pub(super) fn principal(principal: &Principal) -> Value {
    let mut shown = json!({
        "user": { "id": &*principal.id, "name": &*principal.name, "roles": names(&principal.roles) },
        "session": {
            "id": principal.session.as_deref(),
            "authenticated_at": time(signed(principal.authenticated_at_unix_us)),
            "expires_at": principal.expires_at_unix_us.map(|at| time(signed(at))),
            "second_factor": principal.second_factor,
        },
    });
    if let (Some(membership), Some(fields)) = (&principal.membership, shown.as_object_mut()) {
        let tier = membership.tier.as_ref().map(Tier::as_str);
        let organisation = json!({ "id": &*membership.organisation, "role": membership.role.as_str(), "tier": tier });
        fields.insert("organisation".to_owned(), organisation);
    }
    shown
}

/// A user as operators see it.
pub(super) fn user(user: &User) -> Value {
    json!({
        "id": user.id,
        "name": user.name,
        "email": user.email,
        "roles": names(&user.roles),
        "disabled": user.disabled,
        "has_password": user.has_password,
        "created_at": time(user.created_at),
        "last_login_at": user.last_login_at.map(time),
        "version": user.version,
    })
}

/// What a user can show besides the password.
pub(super) fn factors(factors: &Factors) -> Value {
    let totp = factors.totp_at.map(|at| json!({ "enrolled_at": time(at) }));
    let passkeys: Vec<Value> = factors.passkeys.iter().map(passkey).collect();
    json!({ "totp": totp, "recovery_codes": factors.recovery_codes, "passkeys": passkeys })
}

/// A passkey.
pub(super) fn passkey(passkey: &Passkey) -> Value {
    json!({
        "id": passkey.id,
        "name": passkey.name,
        "credential_id": URL_SAFE_NO_PAD.encode(&passkey.credential_id),
        "aaguid": aaguid(&passkey.aaguid),
        "transports": passkey.transports,
        "backup_eligible": passkey.backup_eligible,
        "backed_up": passkey.backed_up,
        "created_at": time(passkey.created_at),
        "used_at": passkey.used_at.map(time),
    })
}

/// The model of an authenticator, as a UUID; nothing when it does not say.
fn aaguid(bytes: &[u8]) -> Option<String> {
    let mut text = String::new();
    for (at, byte) in bytes.iter().enumerate() {
        if matches!(at, 4 | 6 | 8 | 10) {
            text.push('-');
        }
        text.push_str(&format!("{byte:02x}"));
    }
    bytes.iter().any(|byte| *byte != 0).then_some(text)
}

/// A token with which a user chooses a password.
pub(super) fn reset(offer: &ResetOffer) -> Value {
    json!({
        "user": offer.user.as_ref().map(own),
        "token": offer.token.expose(),
        "expires_at": time(offer.expires_at),
    })
}

/// A session; `current` says whether it is the one that asks.
pub(super) fn session(session: &Session, current: Option<&str>) -> Value {
    let mut shown = json!({
        "id": session.id,
        "created_at": time(session.created_at),
        "used_at": time(session.used_at),
        "idle_at": time(session.idle_at.min(session.expires_at)),
        "expires_at": time(session.expires_at),
        "address": session.address,
        "user_agent": session.user_agent,
    });
    if let (Some(current), Some(fields)) = (current, shown.as_object_mut()) {
        fields.insert("current".to_owned(), json!(session.id == current));
    }
    shown
}

/// An API key.
pub(super) fn key(key: &ApiKey, now_us: i64) -> Value {
    let scopes: Vec<&str> = key.scopes.iter().map(Scope::as_str).collect();
    json!({
        "id": key.id,
        "user": key.user_id,
        "label": key.label,
        "scopes": scopes,
        "networks": key.networks,
        "rate": key.rate,
        "state": key.state(now_us),
        "created_at": time(key.created_at),
        "expires_at": key.expires_at.map(time),
        "used_at": key.used_at.map(time),
        "used_from": key.used_from,
        "revoked_at": key.revoked_at.map(time),
        "successor": key.successor,
        "organisation": key.organisation_id,
    })
}

/// One that was made, with what is shown this once.
pub(super) fn made_key(made: &MadeKey, now_us: i64) -> Value {
    let mut shown = key(&made.key, now_us);
    if let Some(fields) = shown.as_object_mut() {
        fields.insert("key".to_owned(), json!(made.text.expose()));
    }
    shown
}

/// Tokens, as a program is given them (RFC 6749 section 5.1).
pub(super) fn tokens(tokens: &Tokens) -> Value {
    json!({
        "access_token": tokens.access.expose(),
        "token_type": "Bearer",
        "expires_in": tokens.expires_in,
        "refresh_token": tokens.refresh.expose(),
        "refresh_expires_in": tokens.refresh_expires_in,
        "user": own(&tokens.user),
        "session": { "id": tokens.session_id },
    })
}

/// A signing key.
pub(super) fn signing_key(key: &KeyShown) -> Value {
    json!({
        "kid": key.kid,
        "created_at": time(key.created_at),
        "signs_at": time(key.signs_at),
        "ends_at": key.ends_at.map(time),
        "signs": key.signs,
    })
}

fn names(roles: &[Role]) -> Vec<&str> {
    roles.iter().map(Role::as_str).collect()
}

/// A time as RFC 3339 has it, in UTC.
pub(super) fn time(at_us: i64) -> String {
    jiff::Timestamp::from_microsecond(at_us).map(|time| time.to_string()).unwrap_or_default()
}

fn signed(at_us: u64) -> i64 {
    i64::try_from(at_us).unwrap_or(i64::MAX)
}
