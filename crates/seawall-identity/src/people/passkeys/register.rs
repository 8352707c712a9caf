//! Making a passkey, by whoever is signed in and has proved it a moment ago.

use aws_lc_rs::digest::{SHA256, digest};
use seawall_core::{facts::Facts, principal::Principal};
use seawall_store::{
    StoreError, Tx,
    audit::{Entry, Outcome},
};
use serde_json::{Map, json};

use super::{
    super::{EndOthers, People, SignedIn, cause, confirm::signed_in, factors::lacks_own},
    MOST, PasskeyOptions, facts_of, of_user,
};
use crate::{
    IdentityError,
    factors::{RecoveryCodes, table as factors},
    mail::Notice,
    passkeys::{Kind, Made, Passkey, Purpose, Refusal, SentPasskey, made, options, table},
    sessions::{Session, Token},
    users::{User, table as users},
};

/// The longest name, in characters.
const LONGEST_NAME: usize = 64;

/// A passkey that was made in a browser.
#[derive(Debug)]
pub struct NewPasskey {
    /// What the browser kept.
    pub ceremony: String,
    /// What it sent.
    pub sent: SentPasskey,
    /// What its owner calls it.
    pub name: Option<String>,
    /// Whether other sessions end.
    pub ending: EndOthers,
    /// With what it is done.
    pub user_agent: Option<String>,
}

/// A passkey was added.
#[derive(Debug)]
pub struct AddedPasskey {
    /// The passkey.
    pub passkey: Passkey,
    /// The session under its fresh token.
    pub signed_in: SignedIn,
    /// For who loses the device, when it is the first second factor beside a password; shown once.
    pub codes: Option<RecoveryCodes>,
}

/// The passkey, the session that goes on, and whether it is the first second factor beside a password.
type Added = (Passkey, Option<(User, Session)>, bool);

/// What it came to.
enum Came {
    Added(Box<Added>),
    Refused(Refusal),
    SecondFactorFirst,
    TooMany,
    Taken,
}

impl People {
    /// What the browser is asked to make a passkey.
    ///
    /// # Errors
    /// [`IdentityError::NoPasskeys`], [`IdentityError::ConfirmFirst`], [`IdentityError::SecondFactorFirst`], [`IdentityError::TooManyPasskeys`].
    pub async fn passkey_creation(
        &self,
        facts: &Facts,
        principal: &Principal,
    ) -> Result<PasskeyOptions, IdentityError> {
        let party = self.party()?;
        self.fresh(principal)?;
        let mut fresh = [0; 32];
        getrandom::fill(&mut fresh).map_err(IdentityError::Random)?;
        let by = principal.clone();
        let read = self.write(cause(facts), move |tx| {
            if lacks_own(tx, &by)? {
                return Ok(None);
            }
            Ok(Some((table::handle(tx, &by.id, &fresh)?, table::of_user(tx, &by.id)?)))
        });
        let (handle, have) = read.await?.ok_or(IdentityError::SecondFactorFirst)?;
        if have.len() >= MOST {
            return Err(IdentityError::TooManyPasskeys(MOST));
        }
        let session = principal.session.as_deref().unwrap_or_default().to_owned();
        let ceremony = self.begin_ceremony(Purpose::Register { user: principal.id.to_string(), session })?;
        let options = options::creation(party, &ceremony.challenge, (&handle, &principal.name), &have);
        self.offer(&ceremony, options)
    }

    /// Adds the passkey that a browser made. The session gets a fresh token, and tickets that were given before hold no longer.
    ///
    /// # Errors
    /// [`IdentityError::PasskeyInvalid`], [`IdentityError::ConfirmFirst`], [`IdentityError::SecondFactorFirst`], [`IdentityError::TooManyPasskeys`],
    /// [`IdentityError::PasskeyTaken`].
    pub async fn add_passkey(
        &self,
        facts: &Facts,
        principal: &Principal,
        new: NewPasskey,
    ) -> Result<AddedPasskey, IdentityError> {
        let added = self.register_passkey(facts, principal, new).await;
        self.0.ceremonies.counted(Kind::Register, added)
    }

    async fn register_passkey(
        &self,
        facts: &Facts,
        principal: &Principal,
        new: NewPasskey,
    ) -> Result<AddedPasskey, IdentityError> {
        let party = self.party()?;
        self.fresh(principal)?;
        let NewPasskey { ceremony, sent, name, ending, user_agent } = new;
        let name = passkey_name(name.as_deref().unwrap_or("Passkey"))?;
        let ceremony = self.ceremony(&ceremony).filter(|ceremony| match &ceremony.purpose {
            Purpose::Register { user, session } => {
                **user == *principal.id && Some(session.as_str()) == principal.session.as_deref()
            }
            _ => false,
        });
        let ceremony = ceremony.ok_or(IdentityError::PasskeyInvalid(Refusal::Challenge))?;
        let expected = party.expected(&ceremony, party.verified());
        let made = made(expected, &sent.response.client_data, &sent.response.attestation_object);
        let made = made.and_then(|made| {
            // The id stands in three places, and is one.
            if sent.is_whole() && made.id == sent.id { Ok(made) } else { Err(Refusal::CredentialId) }
        });
        let codes = RecoveryCodes::fresh().map_err(IdentityError::Random)?;
        let token = Token::new().map_err(IdentityError::Random)?;
        let adding = Adding {
            made,
            name,
            transports: sent.transports(),
            used: ceremony.used(),
            codes: codes.digests(),
            fresh: token.digest(),
            ending,
            user_agent,
        };
        let (people, own, by) = (self.clone(), facts.clone(), principal.clone());
        let added = self.write(cause(facts), move |tx| people.add_passkey_within(tx, &own, &by, &adding));
        match added.await? {
            Came::Added(added) => {
                let (passkey, renewed, first) = *added;
                let signed_in = signed_in(renewed, token, &principal.id)?;
                Ok(AddedPasskey { passkey, signed_in, codes: first.then_some(codes) })
            }
            Came::Refused(refusal) => Err(IdentityError::PasskeyInvalid(refusal)),
            Came::SecondFactorFirst => Err(IdentityError::SecondFactorFirst),
            Came::TooMany => Err(IdentityError::TooManyPasskeys(MOST)),
            Came::Taken => Err(IdentityError::PasskeyTaken),
        }
    }

    fn add_passkey_within(
        &self,
        tx: &mut Tx<'_>,
        facts: &Facts,
        by: &Principal,
        adding: &Adding,
    ) -> Result<Came, StoreError> {
        // Holds the row of the user: of two that come at once, the second sees the first.
        users::touch(tx, &by.id)?;
        let made = match &adding.made {
            _ if !table::use_challenge(tx, &adding.used)? => Err(Refusal::Challenge),
            made => made.clone(),
        };
        let made = match made {
            Ok(made) => made,
            Err(refusal) => {
                let why = Map::from_iter([("why".to_owned(), json!(refusal.to_string()))]);
                let entry = Entry::new("user.factor_added", "user", &*by.id).made(why);
                tx.audit(entry.with_outcome(Outcome::Refused))?;
                return Ok(Came::Refused(refusal));
            }
        };
        if lacks_own(tx, by)? {
            return Ok(Came::SecondFactorFirst);
        }
        if table::of_user(tx, &by.id)?.len() >= MOST {
            return Ok(Came::TooMany);
        }
        let has_password = users::by_id(tx, &by.id)?.is_some_and(|known| known.user.has_password);
        let first = has_password && !factors::has_one(tx, &by.id)?;
        let id = tx.fresh_id()?;
        let (name, transports) = (&adding.name, &adding.transports);
        if !table::add(tx, &table::Fresh { id: &id, user_id: &by.id, name, transports, made: &made })? {
            return Ok(Came::Taken);
        }
        let passkey = of_user(tx, &by.id, &id)?.ok_or(StoreError::NoRow)?;
        let mut after = facts_of(&passkey);
        after.insert("key".to_owned(), json!(fingerprint(&made.key)));
        tx.audit(Entry::new("user.factor_added", "user", &*by.id).made(after).personal(&*by.id, &["name"]))?;
        if first {
            factors::set_recovery_codes(tx, &by.id, &adding.codes)?;
            let after = Map::from_iter([("count".to_owned(), json!(adding.codes.len()))]);
            tx.audit(Entry::new("user.recovery_codes_made", "user", &*by.id).made(after))?;
        }
        let agent = adding.user_agent.as_deref();
        self.notify(tx, &by.id, Notice::PasskeyAdded, agent)?;
        self.factors_changed(tx, by, adding.ending)?;
        let by = Principal { second_factor: by.second_factor || made.verified, ..by.clone() };
        let renewed = self.renew(tx, facts, &by, (adding.fresh, agent), "passkey")?;
        Ok(Came::Added(Box::new((passkey, renewed, first))))
    }
}

/// What is to be done within the transaction.
struct Adding {
    made: Result<Made, Refusal>,
    name: String,
    transports: String,
    used: ([u8; 32], i64),
    codes: Vec<[u8; 32]>,
    fresh: [u8; 32],
    ending: EndOthers,
    user_agent: Option<String>,
}

/// What tells a public key from another, for the audit log.
fn fingerprint(key: &[u8]) -> String {
    digest(&SHA256, key).as_ref().iter().take(8).map(|byte| format!("{byte:02x}")).collect()
}

/// A name for a passkey.
pub(super) fn passkey_name(typed: &str) -> Result<String, IdentityError> {
    let name = typed.trim();
    if name.is_empty() || name.chars().count() > LONGEST_NAME || name.chars().any(char::is_control) {
        return Err(IdentityError::Invalid(format!(
            "a passkey has a name of 1 to {LONGEST_NAME} characters, such as \"Ann's phone\""
        )));
    }
    Ok(name.to_owned())
}
