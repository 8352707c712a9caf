//! People: everything that can be done with users and sessions. Each change and its entry in the audit log are one transaction, which
//! also says which sessions are to be forgotten, here and on other nodes.

mod account;
mod ending;
mod operator;
mod passwords;
mod sign_in;

use std::{net::IpAddr, sync::Arc};

use seawall_core::{clock::Clock, facts::Facts, meter::Meter, principal::Revocations, settings::Secret};
use seawall_store::{Actor, Cause, Db, StoreError, Tx, cache::Caches};

use self::passwords::Passwords;
use crate::{
    IdentityError, IdentitySettings,
    attempts::AttemptsKey,
    import::Imports,
    password::PasswordContext,
    sessions::{Revoker, SessionAuthenticator},
    users::Name,
};

pub(crate) use operator::plausible as plausible_email;
pub use operator::{NewUser, RolesChange};
pub use sign_in::{SignIn, SignedIn};

/// Users and their sessions. Cheap to clone.
#[derive(Clone, Debug)]
pub struct People(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    db: Db,
    settings: IdentitySettings,
    key: AttemptsKey,
    authenticator: Arc<SessionAuthenticator>,
    revoker: Revoker,
    passwords: Passwords,
    imports: Imports,
    clock: Arc<dyn Clock>,
}

/// What people are kept with.
#[derive(Debug)]
pub struct PeopleParts<'a> {
    /// Where they are kept.
    pub db: Db,
    /// What finds their sessions without a look there, and tells other nodes.
    pub caches: &'a Caches,
    /// What is configured.
    pub settings: IdentitySettings,
    /// The secret that names are hashed with.
    pub key: AttemptsKey,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// The metrics.
    pub meter: Arc<dyn Meter>,
}

impl People {
    /// People kept there. Other nodes are heard on the runtime that this is called on.
    #[must_use]
    pub fn new(parts: PeopleParts<'_>) -> Self {
        let PeopleParts { db, caches, settings, key, clock, meter } = parts;
        Self(Arc::new(Inner {
            authenticator: Arc::new(SessionAuthenticator::new(db.clone(), caches)),
            revoker: Revoker::new(db.clone(), caches.messages().clone()),
            passwords: Passwords::new(db.clone(), Arc::clone(&clock), Arc::clone(&meter)),
            imports: Imports::new(Arc::clone(&clock), meter),
            db,
            settings,
            key,
            clock,
        }))
    }

    /// Who knows sessions.
    #[must_use]
    pub fn authenticator(&self) -> Arc<SessionAuthenticator> {
        Arc::clone(&self.0.authenticator)
    }

    /// Who tells of sessions that ended.
    #[must_use]
    pub fn revocations(&self) -> &dyn Revocations {
        &self.0.revoker
    }

    /// What is configured.
    #[must_use]
    pub fn settings(&self) -> &IdentitySettings {
        &self.0.settings
    }

    /// Where they are kept.
    pub(crate) fn db(&self) -> &Db {
        &self.0.db
    }

    /// What imports compute with.
    pub(crate) fn imports(&self) -> &Imports {
        &self.0.imports
    }

    /// Lets the time of failures hide the formats that users have.
    pub(crate) async fn present_formats(&self) -> Result<(), IdentityError> {
        self.0.passwords.present().await
    }

    /// Runs a transaction that writes.
    pub(crate) async fn write<T: Send + 'static>(
        &self,
        cause: Cause,
        body: impl FnMut(&mut Tx<'_>) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        self.0.db.write(&cause, body).await
    }

    /// Checks a password that is chosen.
    fn check_password(&self, password: &Secret, name: &Name, email: Option<&str>) -> Result<(), IdentityError> {
        let context = PasswordContext::new().name(name.shown());
        let context = email.map_or(context.clone(), |email| context.email(email));
        Ok(self.0.settings.passwords.check(password.expose(), &context)?)
    }
}

/// The cause of what a request does: its principal, when it has one.
fn cause(facts: &Facts) -> Cause {
    let actor = facts.principal.as_ref().map_or(Actor::Anonymous, |principal| Actor::User(Arc::clone(&principal.id)));
    request_cause(actor, facts.client, facts)
}

fn request_cause(actor: Actor, address: IpAddr, facts: &Facts) -> Cause {
    Cause::request(actor, Some(address), facts.request_id.as_str())
}
