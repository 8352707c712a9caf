//! People: everything that can be done with users and sessions. Each change and its entry in the audit log are one transaction, which
//! also says which sessions are to be forgotten, here and on other nodes.

mod account;
mod ending;
mod keys;
mod operator;
mod passwords;
mod sign_in;
mod tokens;

use std::{net::IpAddr, sync::Arc};

use seawall_core::{
    clock::Clock,
    facts::Facts,
    meter::Meter,
    principal::{PrincipalKind, Revocations},
    settings::Secret,
};
use seawall_store::{Actor, Cause, Db, StoreError, Tx, cache::Caches};

use self::{passwords::Passwords, tokens::Office};
use crate::{
    CredentialAuthenticator, IdentityError, IdentitySettings,
    attempts::AttemptsKey,
    keys::KeyAuthenticator,
    password::PasswordContext,
    sessions::{Revoker, SessionAuthenticator},
    users::Name,
};

pub use keys::MadeKey;
pub use operator::{NewUser, RolesChange};
pub use sign_in::{SignIn, SignedIn};
pub use tokens::{Keeper, Tokens};

/// Users and their sessions. Cheap to clone.
#[derive(Clone, Debug)]
pub struct People(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    db: Db,
    settings: IdentitySettings,
    key: AttemptsKey,
    authenticator: Arc<CredentialAuthenticator>,
    revoker: Revoker,
    passwords: Passwords,
    office: Office,
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
    ///
    /// # Errors
    /// [`IdentityError::Cipher`] when nothing can be derived from the key.
    pub fn new(parts: PeopleParts<'_>) -> Result<Self, IdentityError> {
        let PeopleParts { db, caches, settings, key, clock, meter } = parts;
        let office = Office::open(&key, &settings, &db, caches, &clock)?;
        let sessions = Arc::new(SessionAuthenticator::new(db.clone(), caches));
        Ok(Self(Arc::new(Inner {
            authenticator: Arc::new(CredentialAuthenticator {
                tokens: office.authenticator(&sessions),
                sessions,
                keys: KeyAuthenticator::new(db.clone(), caches, settings.key_kind, &*meter),
            }),
            office,
            revoker: Revoker::new(db.clone(), caches.messages().clone()),
            passwords: Passwords::new(Arc::clone(&clock), meter),
            db,
            settings,
            key,
            clock,
        })))
    }

    /// Who knows credentials.
    #[must_use]
    pub fn authenticator(&self) -> Arc<CredentialAuthenticator> {
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

    /// The time, in microseconds since 1970-01-01T00:00:00Z.
    pub(crate) fn now_us(&self) -> i64 {
        i64::try_from(self.0.clock.now().unix_us).unwrap_or(i64::MAX)
    }

    /// Runs a transaction that writes.
    async fn write<T: Send + 'static>(
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
pub(crate) fn cause(facts: &Facts) -> Cause {
    let actor = facts.principal.as_ref().map_or(Actor::Anonymous, |principal| {
        let id = Arc::clone(&principal.id);
        match principal.kind {
            PrincipalKind::User => Actor::User(id),
            PrincipalKind::ApiKey => Actor::Key(id),
            PrincipalKind::Device => Actor::Device(id),
        }
    });
    request_cause(actor, facts.client, facts)
}

fn request_cause(actor: Actor, address: IpAddr, facts: &Facts) -> Cause {
    Cause::request(actor, Some(address), facts.request_id.as_str())
}
