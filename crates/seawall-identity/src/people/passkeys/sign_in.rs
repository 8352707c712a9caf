//! Signing in with a passkey alone: the device verifies its user, so that it counts as both factors.

use std::{sync::Arc, time::Duration};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use seawall_core::facts::Facts;
use seawall_store::{
    Actor, Lane, StoreError, Tx,
    audit::{Entry, Outcome},
};
use serde_json::{Map, json};

use super::{
    super::{Inner, People, SignedIn, cause, opening::ActsFor},
    PasskeyOptions, assertion, tell_of_copy,
};
use crate::{
    IdentityError,
    attempts::{Attempt, Layers},
    passkeys::{
        Ceremony, Kind, Passkey, Purpose, Refusal, RelyingParty, SentPasskey, Shown, UserVerification, Verified,
        made_up, options, shown, table,
    },
    sessions::{Session, Token, table as sessions},
    users::{Name, User, table as users},
};

/// What is shown to sign in.
#[derive(Debug)]
pub struct PasskeySignIn {
    /// What the browser kept.
    pub ceremony: String,
    /// What it sent.
    pub sent: SentPasskey,
    /// With what it is done.
    pub user_agent: Option<String>,
    /// The cookie of a known device, when one came.
    pub device: Option<String>,
}

/// What it came to.
enum Came {
    SignedIn(Box<(User, Session)>),
    Refused(Refusal),
    Paused(u64),
}

/// Who shows what.
struct Owner {
    passkey: Passkey,
    user: User,
    handle: Option<Vec<u8>>,
}

impl People {
    /// What the browser is asked to sign in with: any passkey of this site, or those of a name. For a name that has none, some are made
    /// up, so that asking tells nobody who there is.
    ///
    /// # Errors
    /// [`IdentityError::NoPasskeys`], [`IdentityError::Crowded`].
    pub async fn passkey_sign_in_options(&self, name: Option<&str>) -> Result<PasskeyOptions, IdentityError> {
        let party = self.party()?;
        let Some(typed) = name else {
            let ceremony = self.begin_ceremony(Purpose::SignIn { name: None })?;
            let options = options::request(party, &ceremony.challenge, &[], UserVerification::Required);
            return self.offer(&ceremony, options);
        };
        let _place = self.0.waiting.place(false)?;
        let key = name_key(typed);
        let wanted = key.clone();
        let read = self.0.db.read::<_, StoreError>(Lane::Interactive, move |tx| table::ids_of_name(tx, &wanted));
        let (real, made_up) = (read.await?, made_up::ids(&self.0.key, &key));
        let ids = if real.is_empty() { made_up } else { real };
        let ceremony = self.begin_ceremony(Purpose::SignIn { name: Some(key) })?;
        let allowed = options::bare_descriptors(&ids);
        let options = options::request(party, &ceremony.challenge, &allowed, UserVerification::Required);
        self.0.passwords.pad(Duration::ZERO).await?;
        self.offer(&ceremony, options)
    }

    /// Signs in whoever shows a passkey. A session that came with the request ends.
    ///
    /// # Errors
    /// [`IdentityError::PasskeyRefused`] takes the same time for every reason.
    pub async fn sign_in_with_passkey(&self, facts: &Facts, asked: PasskeySignIn) -> Result<SignedIn, IdentityError> {
        self.0.ceremonies.counted(Kind::SignIn, self.sign_in_by_passkey(facts, asked).await)
    }

    async fn sign_in_by_passkey(&self, facts: &Facts, asked: PasskeySignIn) -> Result<SignedIn, IdentityError> {
        self.party()?;
        let device = self.device(asked.device.as_deref());
        let _place = self.0.waiting.place(device.is_some())?;
        let ceremony = self.ceremony(&asked.ceremony);
        let ceremony = ceremony.filter(|ceremony| matches!(ceremony.purpose, Purpose::SignIn { .. }));
        let token = Token::new().map_err(IdentityError::Random)?;
        let (people, own, fresh) = (self.clone(), facts.clone(), token.digest());
        let came = self.write(cause(facts), move |tx| people.take_passkey(tx, &own, &asked, ceremony.as_ref(), fresh));
        let retry_after = match came.await? {
            Came::SignedIn(begun) => {
                let (user, session) = *begun;
                let device = self.known_device(&user.id, device)?;
                return Ok(SignedIn { user, session, token, device });
            }
            Came::Refused(refusal) => {
                tracing::debug!(why = %refusal, "a passkey was refused");
                None
            }
            Came::Paused(seconds) => Some(seconds),
        };
        self.0.passwords.pad(Duration::ZERO).await?;
        Err(IdentityError::PasskeyRefused { retry_after })
    }

    fn take_passkey(
        &self,
        tx: &mut Tx<'_>,
        facts: &Facts,
        asked: &PasskeySignIn,
        ceremony: Option<&Ceremony>,
        fresh: [u8; 32],
    ) -> Result<Came, StoreError> {
        let owner = owner(tx, &asked.sent)?;
        let counted_as = match &owner {
            Some(owner) => name_key(&owner.user.name),
            None => URL_SAFE_NO_PAD.encode(&asked.sent.id),
        };
        let user_id = owner.as_ref().map(|owner| owner.user.id.as_str());
        let device = self.device(asked.device.as_deref()).filter(|device| user_id == Some(&*device.user_id));
        let Inner { key, settings, .. } = &*self.0;
        let preset = (settings.brute_force, settings.spraying);
        let layers = Layers::new(key, preset, &counted_as, facts.client, device.as_ref());
        let last = match layers.hear(tx)? {
            Attempt::Paused { retry_after } => return Ok(Came::Paused(retry_after)),
            Attempt::Heard { last } => last,
        };
        let judged = match (ceremony, &settings.passkeys) {
            (Some(ceremony), Some(party)) if table::use_challenge(tx, &ceremony.used())? => {
                judge(party, ceremony, owner.as_ref(), &asked.sent)
            }
            _ => Err(Refusal::Challenge),
        };
        let judged = match (judged, &owner) {
            (Ok(shown), Some(owner)) => {
                // Holds the row of the user, then that of the passkey: of two that come with one counter, one passes.
                if !users::signs_in_as(tx, &owner.user.id, owner.user.version)? {
                    Err(Refusal::Disabled)
                } else if !table::used(tx, &owner.passkey, shown)? {
                    let known = owner.passkey.known().counter;
                    Err(Refusal::Counter { known, shown: shown.counter })
                } else {
                    Ok(owner)
                }
            }
            (Ok(_), None) => Err(Refusal::Unknown),
            (Err(refusal), _) => Err(refusal),
        };
        match judged {
            Ok(shower) => {
                tx.acts_as(Actor::User(Arc::from(shower.user.id.as_str())));
                layers.succeeded(tx)?;
                let session = self.begin_with_passkey(tx, facts, asked, shower, fresh)?;
                if device.is_none() {
                    self.notify_of_device(tx, &shower.user.id, facts, asked.user_agent.as_deref())?;
                }
                Ok(Came::SignedIn(Box::new((shower.user.clone(), session))))
            }
            Err(refusal) => {
                refused(tx, &layers, owner.as_ref(), &refusal, last)?;
                Ok(Came::Refused(refusal))
            }
        }
    }

    fn begin_with_passkey(
        &self,
        tx: &mut Tx<'_>,
        facts: &Facts,
        asked: &PasskeySignIn,
        owner: &Owner,
        fresh: [u8; 32],
    ) -> Result<Session, StoreError> {
        self.end_presented(tx, facts)?;
        let session =
            self.begin_session(tx, facts, &owner.user.id, fresh, asked.user_agent.as_deref(), ActsFor::First)?;
        sessions::second_factor(tx, &session.id)?;
        let after =
            Map::from_iter([("by".to_owned(), json!("passkey")), ("passkey".to_owned(), json!(owner.passkey.id))]);
        tx.audit(Entry::new("user.sign_in", "user", &*owner.user.id).made(after))?;
        Ok(session)
    }
}

/// Whose the passkey is.
fn owner(tx: &mut Tx<'_>, sent: &SentPasskey) -> Result<Option<Owner>, StoreError> {
    if !sent.is_whole() {
        return Ok(None);
    }
    let Some(passkey) = table::by_credential(tx, &sent.id)? else { return Ok(None) };
    let Some(known) = users::by_id(tx, &passkey.user_id)? else { return Ok(None) };
    let handle = table::known_handle(tx, &passkey.user_id)?;
    Ok(Some(Owner { passkey, user: known.user, handle }))
}

/// Whether it signs in (WebAuthn Level 3, section 7.2; steps 5 to 7 here, the rest where ceremonies are).
fn judge(
    party: &RelyingParty,
    ceremony: &Ceremony,
    owner: Option<&Owner>,
    sent: &SentPasskey,
) -> Result<Shown, Refusal> {
    let owner = owner.ok_or(Refusal::Unknown)?;
    let Purpose::SignIn { name } = &ceremony.purpose else { return Err(Refusal::Challenge) };
    if name.as_ref().is_some_and(|name| *name != name_key(&owner.user.name)) {
        return Err(Refusal::Unknown);
    }
    // Where no name was given, the authenticator says whose it is.
    match &sent.response.user_handle {
        None if name.is_none() => return Err(Refusal::UserHandle),
        Some(handle) if owner.handle.as_ref() != Some(handle) => return Err(Refusal::UserHandle),
        _ => {}
    }
    // Whoever holds a key that asks for nothing would be in; so here it asks, whatever is configured for second factors.
    let shown = shown(party.expected(ceremony, Verified::Required), owner.passkey.known(), assertion(sent))?;
    if owner.user.disabled { Err(Refusal::Disabled) } else { Ok(shown) }
}

/// Counts and records a failure. Of somebody unknown, the log has a keyed hash.
fn refused(
    tx: &mut Tx<'_>,
    layers: &Layers,
    owner: Option<&Owner>,
    refusal: &Refusal,
    last: bool,
) -> Result<(), StoreError> {
    let source_paused = layers.failed(tx)?;
    let (kind, object) = match owner {
        Some(owner) => ("user", owner.user.id.clone()),
        None => ("name", layers.own().iter().take(8).map(|byte| format!("{byte:02x}")).collect()),
    };
    let mut after =
        Map::from_iter([("by".to_owned(), json!("passkey")), ("why".to_owned(), json!(refusal.to_string()))]);
    for (what, so) in [("paused", last), ("source_paused", source_paused)] {
        if so {
            after.insert(what.to_owned(), json!(true));
        }
    }
    tx.audit(Entry::new("user.sign_in", kind, &*object).made(after).with_outcome(Outcome::Refused))?;
    match owner {
        Some(owner) => tell_of_copy(tx, &owner.passkey, refusal),
        None => Ok(()),
    }
}

/// By what a name is known, or what was typed when that is none.
fn name_key(typed: &str) -> String {
    Name::parse(typed).map_or_else(|_| typed.chars().take(256).collect(), |name| name.key().to_owned())
}
