//! Passwords that were forgotten, and addresses: what is asked for, and the letters that come of it.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use seawall_core::{facts::Facts, mail::Letter, principal::Principal};
use seawall_store::{Actor, Cause, Lane, StoreError, Tx, audit::Entry};
use serde_json::{Map, Value, json};

use super::{People, cause, request_cause};
use crate::{
    IdentityError,
    attempts::{self, Allowance, Attempt},
    factors::tickets,
    mail::{self, Email, Errand, Heading, Notice, Told, table},
    sessions::{Token, digest_of},
    users::{Name, User, table as users},
};

const HOUR_US: i64 = 3_600 * 1_000_000;

/// Links to choose a password, of one user: a mailbox is not to be filled by whoever knows its address.
const RESETS: Allowance = Allowance { heard: 3, pause_us: HOUR_US };

/// Addresses that one user wants: nobody is to be written to in others' names again and again.
const ADDRESSES: Allowance = Allowance { heard: 5, pause_us: HOUR_US };

/// The longest text that is looked for, in bytes.
const LONGEST_TYPED: usize = 1_024;

/// What the seal of a typed text is bound to.
const TYPED: &str = "typed where a password was forgotten";

/// The address of a user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EmailShown {
    /// The address.
    pub email: Option<String>,
    /// When the user showed that it is its own, in microseconds since 1970-01-01T00:00:00Z.
    pub verified_at: Option<i64>,
    /// The address that it wants to have.
    pub wanted: Option<String>,
}

impl People {
    /// What links in mail begin with.
    fn link_base(&self) -> Result<&str, IdentityError> {
        self.0.settings.mail.links.as_deref().ok_or(IdentityError::NoMail)
    }

    /// Somebody has forgotten a password, and typed a name or an address. Whether there is such a user is looked up later, so that the
    /// answer takes the same time for all.
    ///
    /// # Errors
    /// [`IdentityError::NoMail`], whoever asks.
    pub async fn forgot(&self, facts: &Facts, typed: &str) -> Result<(), IdentityError> {
        self.link_base()?;
        // Longer than any name and any address: nobody's.
        let typed = if typed.len() > LONGEST_TYPED { "" } else { typed };
        let sealed = self.0.office.secrets.seal(TYPED, typed.as_bytes())?;
        let errand = Errand::Forgotten { typed: URL_SAFE_NO_PAD.encode(sealed) };
        Ok(self.write(cause(facts), move |tx| errand.post(tx)).await?)
    }

    /// Looks for the users that somebody may have meant, and posts a letter to each.
    pub(crate) async fn look_for_forgetful(&self, cause: Cause, sealed: &str) -> Result<(), IdentityError> {
        let opened = URL_SAFE_NO_PAD.decode(sealed).ok().and_then(|bytes| self.0.office.secrets.open(TYPED, &bytes));
        let Some(typed) = opened.and_then(|bytes| String::from_utf8(bytes.to_vec()).ok()) else {
            // Sealed under another `identity.key`; nobody can open it any more.
            tracing::warn!("a forgotten password was typed under another key, so nobody can be looked for");
            return Ok(());
        };
        let (name, email, people) = (Name::parse(&typed).ok(), Email::parse(&typed).ok(), self.clone());
        let posted = self.write(cause, move |tx| {
            let mut meant = match &email {
                Some(email) => table::with_address(tx, email)?,
                None => Vec::new(),
            };
            if let Some(name) = &name
                && let Some(known) = users::by_name(tx, name.key())?
                && !meant.contains(&known.user.id)
            {
                meant.push(known.user.id);
            }
            for user in meant {
                let key = people.0.key.made_for("links to choose a password", &[user.as_bytes()]);
                if let Attempt::Heard { .. } = attempts::count(tx, &key, RESETS)? {
                    Errand::Reset { user }.post(tx)?;
                }
            }
            Ok(())
        });
        Ok(posted.await?)
    }

    /// The letter with a link to choose a password, and its token in the store; nothing when the user has gone or has no address.
    pub(crate) async fn reset_letter(
        &self,
        cause: Cause,
        id: &str,
        user_id: String,
    ) -> Result<Option<Letter>, IdentityError> {
        let token = Token::new().map_err(IdentityError::Random)?;
        let digest = token.digest();
        let given = self.write(cause, move |tx| {
            let Some(user) = users::by_id(tx, &user_id)?.map(|known| known.user) else { return Ok(None) };
            let Some(email) = user.email.clone().filter(|_| !user.disabled) else { return Ok(None) };
            let expires_at = tickets::add_reset(tx, &digest, &user_id)?;
            let after = Map::from_iter([("expires_at".to_owned(), json!(expires_at))]);
            tx.audit(Entry::new("user.reset_mailed", "user", &*user_id).made(after))?;
            Ok(Some((user.name, email)))
        });
        let Some((name, to)) = given.await? else { return Ok(None) };
        let link = format!("{}/reset#{}", self.link_base()?, token.expose());
        Ok(Some(mail::reset(&self.heading(id, &to), &name, link)))
    }

    /// The letter to an address that a user wants to have.
    pub(crate) async fn verify_letter(
        &self,
        cause: Cause,
        id: &str,
        user_id: String,
    ) -> Result<Option<Letter>, IdentityError> {
        let token = Token::new().map_err(IdentityError::Random)?;
        let digest = token.digest();
        let wanted = self.write(cause, move |tx| {
            let now_us = tx.at_us();
            let Some(wanted) = table::wanted(tx, &user_id, now_us)? else { return Ok(None) };
            table::link(tx, &user_id, &digest)?;
            Ok(Some(wanted.email))
        });
        let Some(to) = wanted.await? else { return Ok(None) };
        let link = format!("{}/email/verify#{}", self.link_base()?, token.expose());
        Ok(Some(mail::verify(&self.heading(id, &to), link)))
    }

    /// The letter that tells a user of something.
    pub(crate) async fn notice_letter(
        &self,
        id: &str,
        user_id: String,
        told: Told,
    ) -> Result<Option<Letter>, IdentityError> {
        let read = self.0.db.read::<_, StoreError>(Lane::Background, move |tx| users::by_id(tx, &user_id));
        let Some(known) = read.await? else { return Ok(None) };
        let Some(to) = told.to.or(known.user.email) else { return Ok(None) };
        let at = jiff::Timestamp::from_microsecond(told.at).map(|at| at.strftime("%Y-%m-%d %H:%M UTC").to_string());
        let (address, agent) = (told.address.as_deref(), told.agent.as_deref());
        Ok(Some(mail::notice(&self.heading(id, &to), told.what, &at.unwrap_or_default(), address, agent)))
    }

    fn heading<'a>(&'a self, id: &'a str, to: &'a str) -> Heading<'a> {
        Heading { id, to, application: &self.0.settings.authenticator_name }
    }

    /// The address of a user.
    ///
    /// # Errors
    /// [`IdentityError::NoUser`].
    pub async fn email(&self, user_id: &str) -> Result<EmailShown, IdentityError> {
        let (wanted, now_us) = (user_id.to_owned(), self.now_us());
        let read = self.0.db.read::<_, StoreError>(Lane::Interactive, move |tx| {
            let Some(known) = users::by_id(tx, &wanted)? else { return Ok(None) };
            Ok(Some(EmailShown {
                email: known.user.email,
                verified_at: table::verified_at(tx, &wanted)?,
                wanted: table::wanted(tx, &wanted, now_us)?.map(|wanted| wanted.email),
            }))
        });
        read.await?.ok_or_else(|| IdentityError::NoUser(user_id.to_owned()))
    }

    /// The principal wants another address: a link goes there, and until it is used the one before stays.
    ///
    /// # Errors
    /// [`IdentityError::ConfirmFirst`], [`IdentityError::NoMail`], [`IdentityError::Invalid`], [`IdentityError::TooManyMails`].
    pub async fn want_email(&self, facts: &Facts, principal: &Principal, typed: &str) -> Result<(), IdentityError> {
        self.link_base()?;
        self.fresh(principal)?;
        let email = Email::parse(typed).map_err(IdentityError::Invalid)?;
        let key = self.0.key.made_for("addresses that are wanted", &[principal.id.as_bytes()]);
        let user_id = principal.id.to_string();
        let posted = self.write(cause(facts), move |tx| {
            if let Attempt::Paused { retry_after } = attempts::count(tx, &key, ADDRESSES)? {
                return Ok(Some(retry_after));
            }
            let expires_at = table::want(tx, &user_id, &email)?;
            let after = Map::from_iter([
                ("email".to_owned(), json!(email.as_str())),
                ("expires_at".to_owned(), json!(expires_at)),
            ]);
            tx.audit(Entry::new("user.email_wanted", "user", &*user_id).made(after).personal(&*user_id, &["email"]))?;
            Errand::Verify { user: user_id.clone() }.post(tx)?;
            Ok(None)
        });
        match posted.await? {
            Some(retry_after) => Err(IdentityError::TooManyMails { retry_after }),
            None => Ok(()),
        }
    }

    /// Takes the token of a link that went to the address that a user wants: the address is its from here on.
    ///
    /// # Errors
    /// [`IdentityError::LinkRefused`].
    pub async fn verify_email(&self, facts: &Facts, token: &str) -> Result<(), IdentityError> {
        let digest = digest_of(token.as_bytes()).ok_or(IdentityError::LinkRefused)?;
        let read = self.0.db.read::<_, StoreError>(Lane::Interactive, move |tx| {
            tx.find::<(String,)>("SELECT user_id FROM email_changes WHERE digest = $1", &[&digest])
        });
        let (owner,) = read.await?.ok_or(IdentityError::LinkRefused)?;
        let people = self.clone();
        let cause = request_cause(Actor::User(owner.as_str().into()), facts.client, facts);
        let taken = self.write(cause, move |tx| {
            let Some(wanted) = table::take(tx, &digest)? else { return Ok(false) };
            let Some(user) = users::by_id(tx, &wanted.user_id)?.map(|known| known.user) else { return Ok(false) };
            let Ok(email) = Email::parse(&wanted.email) else { return Ok(false) };
            let now = tx.at_us();
            people.put_email(tx, &user, Some(&email), Some(now), "user.email_verified")?;
            Ok(true)
        });
        if taken.await? { Ok(()) } else { Err(IdentityError::LinkRefused) }
    }

    /// An operator gives a user an address, or none.
    ///
    /// # Errors
    /// [`IdentityError::NoUser`], [`IdentityError::Invalid`].
    pub async fn set_email(&self, cause: &Cause, id: String, typed: Option<&str>) -> Result<User, IdentityError> {
        let email = typed.map(Email::parse).transpose().map_err(IdentityError::Invalid)?;
        let people = self.clone();
        self.change(cause, id, move |tx, user| {
            table::forget(tx, &user.id)?;
            people.put_email(tx, user, email.as_ref(), None, "user.email_changed")
        })
        .await
    }

    /// Gives a user an address, voids the links that went to the one before, and tells it there.
    fn put_email(
        &self,
        tx: &mut Tx<'_>,
        user: &User,
        email: Option<&Email>,
        verified_at: Option<i64>,
        action: &'static str,
    ) -> Result<(), StoreError> {
        table::set(tx, &user.id, email, verified_at)?;
        let shown =
            |email: Option<&str>| -> Map<String, Value> { Map::from_iter([("email".to_owned(), json!(email))]) };
        let (before, after) = (shown(user.email.as_deref()), shown(email.map(Email::as_str)));
        if before == after {
            return tx.audit(Entry::new(action, "user", &*user.id));
        }
        tickets::void_resets(tx, Some(&user.id))?;
        let entry = Entry::new(action, "user", &*user.id).changed(before, after);
        tx.audit(entry.personal(&*user.id, &["email"]))?;
        match &user.email {
            Some(old) => self.notify_at(tx, &user.id, Notice::AddressChanged, None, Some(old.clone())),
            None => Ok(()),
        }
    }
}
