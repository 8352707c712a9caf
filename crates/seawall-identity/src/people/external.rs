//! Signing in with an account elsewhere, and the way there and back.

use std::sync::Arc;

use seawall_core::{facts::Facts, fetch::Fetch, principal::Principal};
use seawall_store::{
    Actor, StoreError, Tx,
    audit::{Entry, Outcome},
};
use serde_json::{Map, json};

use super::{People, SignInStep, SignedIn, TicketGiven, cause, opening::ActsFor};
use crate::{
    IdentityError,
    attempts::Device,
    factors::{table as factors, tickets},
    mail::Email,
    oidc::{FLOW_S, Flow, Issuer, IssuerSettings, Purpose, Subject, challenge, fresh, query, table},
    sessions::{Session, Token, digest},
    users::{Name, User, table as users},
};

/// What came with a request that proves something.
#[derive(Clone, Debug, Default)]
pub struct Came {
    /// With what it is done.
    pub user_agent: Option<String>,
    /// The cookie of a known device, when one came.
    pub device: Option<String>,
}

/// What coming back from an issuer led to.
#[derive(Debug)]
pub enum External {
    /// Somebody signs in.
    Step(SignInStep),
    /// The account belongs to who is signed in.
    Linked,
}

/// Somebody whom an issuer vouches for.
struct Arrival {
    issuer: IssuerSettings,
    subject: Subject,
    /// The digest of a token that serves once.
    once: Option<[u8; 32]>,
    /// The digest of the session's token, or of the ticket.
    fresh: [u8; 32],
    place: [u8; 32],
    user_agent: Option<String>,
    known: Option<Device>,
}

/// What a transaction came to.
enum Welcome {
    Session(Box<(User, Session)>),
    Ticket(i64, Vec<&'static str>),
    Replayed,
    Unlinked,
    KeptOut,
}

impl People {
    /// Makes issuers known; once.
    pub fn open_issuers(&self, settings: Vec<IssuerSettings>, fetch: &Arc<dyn Fetch>) {
        let issuer = |settings| Issuer::new(settings, Arc::clone(fetch), Arc::clone(&self.0.clock));
        // It is called once.
        let _first = self.0.issuers.set(settings.into_iter().map(issuer).collect());
    }

    /// What issuers are called here, in paths.
    pub(crate) fn issuers(&self) -> impl Iterator<Item = &str> {
        let all = self.0.issuers.get().filter(|_| self.0.settings.site.is_some());
        all.into_iter().flatten().map(|issuer| issuer.settings.name.as_str())
    }

    fn issuer(&self, name: &str) -> Result<(&Issuer, String), IdentityError> {
        let issuer = self.0.issuers.get().and_then(|all| all.iter().find(|issuer| issuer.settings.name == name));
        let site = self.0.settings.site.as_ref();
        let (Some(issuer), Some(site)) = (issuer, site) else { return Err(IdentityError::NoIssuer) };
        Ok((issuer, format!("{site}/oidc/{name}/callback")))
    }

    /// Begins the way to an issuer: its address, and what the browser keeps meanwhile.
    ///
    /// # Errors
    /// [`IdentityError::NoIssuer`], [`IdentityError::IssuerAway`].
    pub async fn to_issuer(&self, name: &str, return_to: &str) -> Result<(String, String), IdentityError> {
        self.begin_flow(name, return_to, Purpose::SignIn).await
    }

    /// The same to link an account to the principal.
    ///
    /// # Errors
    /// [`IdentityError::ConfirmFirst`] besides.
    pub async fn to_link(
        &self,
        principal: &Principal,
        name: &str,
        return_to: &str,
    ) -> Result<(String, String), IdentityError> {
        self.fresh(principal)?;
        let session = principal.session.as_deref().unwrap_or_default().to_owned();
        self.begin_flow(name, return_to, Purpose::Link { user: principal.id.to_string(), session }).await
    }

    async fn begin_flow(
        &self,
        name: &str,
        return_to: &str,
        purpose: Purpose,
    ) -> Result<(String, String), IdentityError> {
        let (issuer, redirect) = self.issuer(name)?;
        let metadata = issuer.metadata().await?;
        let flow = Flow {
            issuer: name.to_owned(),
            state: fresh()?,
            nonce: fresh()?,
            verifier: fresh()?,
            purpose,
            return_to: return_to.to_owned(),
            until_s: self.now_us() / 1_000_000 + FLOW_S,
        };
        let (scope, challenge) = (issuer.settings.scopes.join(" "), challenge(&flow.verifier));
        let asked = query(&[
            ("response_type", "code"),
            ("client_id", &issuer.settings.client_id),
            ("redirect_uri", &redirect),
            ("scope", &scope),
            ("state", &flow.state),
            ("nonce", &flow.nonce),
            ("code_challenge", &challenge),
            ("code_challenge_method", "S256"),
        ]);
        let sign = if metadata.authorization_endpoint.contains('?') { '&' } else { '?' };
        let location = format!("{}{sign}{asked}", metadata.authorization_endpoint);
        Ok((location, flow.seal(&self.0.office.secrets)?))
    }

    /// Comes back from an issuer with a code; answers where the browser goes on, too.
    ///
    /// # Errors
    /// [`IdentityError::IssuerRefused`], [`IdentityError::IssuerAway`], [`IdentityError::NotLinked`], [`IdentityError::LinkedElsewhere`].
    pub async fn from_issuer(
        &self,
        facts: &Facts,
        name: &str,
        cookie: &str,
        returned: &[(String, String)],
        came: Came,
    ) -> Result<(External, String), IdentityError> {
        let back = self.come_back(facts, name, cookie, returned, came).await;
        self.refusal_recorded(facts, name, back).await
    }

    async fn come_back(
        &self,
        facts: &Facts,
        name: &str,
        cookie: &str,
        returned: &[(String, String)],
        came: Came,
    ) -> Result<(External, String), IdentityError> {
        let refused = |why: &str| IdentityError::IssuerRefused(why.to_owned());
        let (issuer, redirect) = self.issuer(name)?;
        let now_s = self.now_us() / 1_000_000;
        let flow = Flow::open(&self.0.office.secrets, cookie, now_s);
        let flow = flow.ok_or_else(|| refused("the browser did not begin it here, or too long ago"))?;
        let said = |wanted: &str| -> Result<Option<&str>, IdentityError> {
            let mut found = returned.iter().filter(|(name, _)| name == wanted).map(|(_, value)| value.as_str());
            let first = found.next();
            if found.next().is_some() { Err(refused("a parameter came twice")) } else { Ok(first) }
        };
        let state = said("state")?.unwrap_or_default();
        let same = subtle::ConstantTimeEq::ct_eq(state.as_bytes(), flow.state.as_bytes());
        // Issuers are not mixed up: each has an address of its own to come back to, and may name itself (RFC 9207).
        if flow.issuer != name || !bool::from(same) {
            return Err(refused("it answers what this browser did not ask"));
        }
        if said("iss")?.is_some_and(|iss| iss != issuer.settings.issuer) {
            return Err(refused("another issuer answers"));
        }
        let Some(code) = said("code")? else { return Err(refused("it gave no code")) };
        let token = issuer.exchange(code, &flow.verifier, &redirect).await?;
        let subject = issuer.subject(&token, Some(&flow.nonce), now_s).await?;
        let external = match flow.purpose {
            Purpose::SignIn => External::Step(self.sign_in_as(facts, issuer, subject, None, came).await?),
            Purpose::Link { user, session } => {
                let own = facts.principal.as_ref().filter(|principal| {
                    *principal.id == *user && principal.session.as_deref() == Some(session.as_str())
                });
                let own = own.ok_or_else(|| refused("the session that began it is not the one that ends it"))?;
                self.link(facts, own, &issuer.settings, subject, came.user_agent).await?;
                External::Linked
            }
        };
        Ok((external, flow.return_to))
    }

    /// Takes an ID token that a page of the issuer posted, once.
    ///
    /// # Errors
    /// As for [`Self::from_issuer`].
    pub async fn take_credential(
        &self,
        facts: &Facts,
        name: &str,
        token: &str,
        came: Came,
    ) -> Result<SignInStep, IdentityError> {
        let taken = self.take_token(facts, name, token, came).await;
        self.refusal_recorded(facts, name, taken).await
    }

    async fn take_token(
        &self,
        facts: &Facts,
        name: &str,
        token: &str,
        came: Came,
    ) -> Result<SignInStep, IdentityError> {
        let (issuer, _) = self.issuer(name)?;
        let subject = issuer.subject(token, None, self.now_us() / 1_000_000).await?;
        self.sign_in_as(facts, issuer, subject, Some(digest(signed(token).as_bytes())), came).await
    }

    /// Records that what came from an issuer was refused; whom it was about is known where a user is kept out, and recorded there.
    async fn refusal_recorded<T>(
        &self,
        facts: &Facts,
        issuer: &str,
        outcome: Result<T, IdentityError>,
    ) -> Result<T, IdentityError> {
        let (action, why) = match &outcome {
            Err(IdentityError::IssuerRefused(why)) => ("user.sign_in", why.clone()),
            Err(error @ IdentityError::NotLinked) => ("user.sign_in", error.to_string()),
            Err(error @ IdentityError::LinkedElsewhere) => ("user.linked", error.to_string()),
            _ => return outcome,
        };
        let issuer = issuer.to_owned();
        let recorded = self.write(cause(facts), move |tx| {
            let after = Map::from_iter([("why".to_owned(), json!(why))]);
            tx.audit(Entry::new(action, "issuer", &*issuer).made(after).with_outcome(Outcome::Refused))
        });
        recorded.await?;
        outcome
    }

    async fn sign_in_as(
        &self,
        facts: &Facts,
        issuer: &Issuer,
        subject: Subject,
        once: Option<[u8; 32]>,
        came: Came,
    ) -> Result<SignInStep, IdentityError> {
        let device = self.device(came.device.as_deref());
        let token = Token::new().map_err(IdentityError::Random)?;
        let arrival = Arc::new(Arrival {
            issuer: issuer.settings.clone(),
            subject,
            once,
            fresh: token.digest(),
            place: self.place(facts.client),
            user_agent: came.user_agent,
            known: device.clone(),
        });
        let attempt = || {
            let (people, own, arrival) = (self.clone(), facts.clone(), Arc::clone(&arrival));
            self.write(cause(facts), move |tx| people.welcome_from(tx, &own, &arrival))
        };
        let begun = match attempt().await {
            // Another request has made the user, or one of this name, in the same moment: it is there for the second look.
            Err(StoreError::Conflict(_)) => attempt().await,
            other => other,
        };
        match begun? {
            Welcome::Session(begun) => {
                let (user, session) = *begun;
                let device = self.known_device(&user.id, device)?;
                Ok(SignInStep::SignedIn(Box::new(SignedIn { user, session, token, device })))
            }
            Welcome::Ticket(expires_at, with) => {
                Ok(SignInStep::SecondFactor(TicketGiven { ticket: token, expires_at, with }))
            }
            Welcome::Replayed => Err(IdentityError::IssuerRefused("the ID token was used before".to_owned())),
            Welcome::Unlinked => Err(IdentityError::NotLinked),
            Welcome::KeptOut => Err(IdentityError::SignInRefused { retry_after: None }),
        }
    }

    /// Begins the session of whoever an account belongs to, or gives a ticket for its second factor.
    fn welcome_from(&self, tx: &mut Tx<'_>, facts: &Facts, arrival: &Arrival) -> Result<Welcome, StoreError> {
        let Arrival { issuer, subject, .. } = arrival;
        if let Some(digest) = &arrival.once
            && !table::use_token(tx, digest, subject.expires_s.saturating_add(120).saturating_mul(1_000_000))?
        {
            return Ok(Welcome::Replayed);
        }
        let owner = match table::owner(tx, &issuer.issuer, &subject.subject)? {
            Some(owner) => owner,
            None if issuer.register => self.make_user(tx, issuer, subject)?,
            None => return Ok(Welcome::Unlinked),
        };
        // The row first: a factor that is enrolled in this moment is seen, or its enrolment ends this session.
        users::hold(tx, &owner)?;
        let Some(user) = users::by_id(tx, &owner)?.map(|known| known.user) else { return Ok(Welcome::Unlinked) };
        let entry = Entry::new("user.sign_in", "user", &*owner);
        let mut after = Map::from_iter([("issuer".to_owned(), json!(issuer.name))]);
        if user.disabled {
            after.insert("why".to_owned(), json!("disabled"));
            tx.audit(entry.made(after).with_outcome(Outcome::Refused))?;
            return Ok(Welcome::KeptOut);
        }
        tx.acts_as(Actor::User(Arc::from(owner.as_str())));
        if factors::has_one(tx, &owner)? {
            let expires_at = tickets::give(tx, &arrival.fresh, (&owner, user.version), &arrival.place)?;
            after.insert("next".to_owned(), json!("second factor"));
            tx.audit(entry.made(after))?;
            return Ok(Welcome::Ticket(expires_at, factors::kinds(tx, &owner, self.0.settings.passkeys.is_some())?));
        }
        users::signed_in(tx, &owner)?;
        self.end_presented(tx, facts)?;
        let agent = arrival.user_agent.as_deref();
        let session = self.begin_session(tx, facts, &owner, arrival.fresh, agent, ActsFor::First)?;
        tx.audit(entry.made(after))?;
        if arrival.known.as_ref().is_none_or(|device| device.user_id != owner) {
            self.notify_of_device(tx, &owner, facts, agent)?;
        }
        Ok(Welcome::Session(Box::new((user, session))))
    }

    /// Makes a user of somebody who comes for the first time.
    fn make_user(&self, tx: &mut Tx<'_>, issuer: &IssuerSettings, subject: &Subject) -> Result<String, StoreError> {
        let id = tx.fresh_id()?;
        // An address that the issuer has verified; another user's stays that user's, and gives nobody anything here.
        let email = subject.email.as_deref().and_then(|email| Email::parse(email).ok());
        let wished = email.as_ref().map(Email::as_str).or(subject.name.as_deref()).unwrap_or(&issuer.name);
        let free = |tx: &mut Tx<'_>, text: &str| -> Result<Option<Name>, StoreError> {
            let Ok(name) = Name::parse(text) else { return Ok(None) };
            Ok(if users::by_name(tx, name.key())?.is_some() { None } else { Some(name) })
        };
        let name = match free(tx, wished)? {
            Some(name) => Some(name),
            None => free(tx, &format!("{}-{id}", issuer.name))?,
        };
        let name = name.ok_or_else(|| StoreError::Conflict("no name is free".to_owned()))?;
        let (email, roles) = (email.as_ref().map(Email::as_str), issuer.roles.as_slice());
        users::add(tx, &users::Fresh { id: &id, name: &name, email, roles, password_hash: None })?;
        let roles: Vec<_> = roles.iter().map(seawall_core::principal::Role::as_str).collect();
        let after = Map::from_iter([
            ("name".to_owned(), json!(name.shown())),
            ("email".to_owned(), json!(email)),
            ("roles".to_owned(), json!(roles)),
            ("issuer".to_owned(), json!(issuer.name)),
        ]);
        tx.audit(Entry::new("user.added", "user", &*id).made(after).personal(&*id, &["name", "email"]))?;
        // Else the user would be nobody's: the account belongs to one whom another request makes in the same moment.
        if !table::link(tx, &issuer.issuer, &subject.subject, &id)? {
            return Err(StoreError::Conflict("the account was linked meanwhile".to_owned()));
        }
        Ok(id)
    }
}

/// What an ID token says, without its signature: for each signature by ES256 there is another that is as good.
fn signed(token: &str) -> &str {
    token.rsplit_once('.').map_or(token, |(said, _)| said)
}
