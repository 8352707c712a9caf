//! People: everything that can be done with users and sessions. Each change and its entry in the audit log are one transaction, which
//! also says which sessions are to be forgotten, here and on other nodes.

mod account;
mod app_sessions;
mod codes;
mod confirm;
mod deletion;
mod devices;
mod ending;
mod external;
mod factors;
mod first;
mod keys;
mod links;
mod mailing;
mod notices;
mod opening;
mod operator;
mod organisations;
mod page_tokens;
mod passkeys;
mod passwords;
mod reset;
mod second;
mod sign_in;
mod tokens;
mod trying;
mod waiting;

use std::{
    net::IpAddr,
    sync::{Arc, OnceLock},
};

use seawall_core::{
    clock::{Clock, Now},
    facts::Facts,
    meter::Meter,
    principal::{PrincipalKind, Revocations},
    settings::Secret,
};
use seawall_store::{Actor, Cause, Db, StoreError, Tx, cache::Caches};

use self::{passwords::Passwords, tokens::Office, waiting::Waiting};
use crate::{
    CredentialAuthenticator, IdentityError, IdentitySettings,
    attempts::{AttemptsKey, BruteForce, Device, DeviceKeys},
    devices::DeviceAuthenticator,
    factors::Sealer,
    import::Imports,
    keys::KeyAuthenticator,
    oidc::Issuer,
    passkeys::Ceremonies,
    password::PasswordContext,
    sessions::{Revoker, SessionAuthenticator},
    users::Name,
};

pub use app_sessions::{AppSession, AppSessionToken};
pub use confirm::Proof;
pub use devices::{Asking, Begun, Paired, Place};
pub use external::{Came, External};
pub use factors::{EndOthers, Enrolled, Enrolment, Factors};
pub use keys::MadeKey;
pub use links::Link;
pub use mailing::EmailShown;
pub use operator::{NewUser, RolesChange};
pub use passkeys::{AddedPasskey, NewPasskey, PasskeyOptions, PasskeySignIn, SecondPasskey};
pub use reset::ResetOffer;
pub use second::Second;
pub use sign_in::{SignIn, SignInStep, SignedIn, TicketGiven};
pub use tokens::{Keeper, Tokens};

/// Users and their sessions. Cheap to clone.
#[derive(Clone, Debug)]
pub struct People(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    db: Db,
    settings: IdentitySettings,
    key: AttemptsKey,
    devices: DeviceKeys,
    sealer: Sealer,
    waiting: Waiting,
    authenticator: Arc<CredentialAuthenticator>,
    revoker: Revoker,
    passwords: Passwords,
    office: Office,
    imports: Imports,
    ceremonies: Ceremonies,
    clock: Arc<dyn Clock>,
    /// Issuers of accounts elsewhere, once they are known.
    issuers: OnceLock<Vec<Issuer>>,
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
        let tiers = settings.tiers.clone();
        let sessions = Arc::new(SessionAuthenticator::new(db.clone(), caches, tiers.clone()));
        let keys = KeyAuthenticator::new(db.clone(), caches, settings.key_kind, &*meter, tiers.clone());
        let devices = DeviceAuthenticator::new(db.clone(), caches, Arc::clone(keys.refusals()), tiers);
        Ok(Self(Arc::new(Inner {
            authenticator: Arc::new(CredentialAuthenticator {
                tokens: office.authenticator(&sessions),
                sessions,
                keys,
                devices,
            }),
            office,
            revoker: Revoker::new(db.clone(), caches.messages().clone()),
            passwords: Passwords::new(db.clone(), Arc::clone(&clock), Arc::clone(&meter)),
            ceremonies: Ceremonies::new(&*meter),
            imports: Imports::new(Arc::clone(&clock), meter),
            devices: key.devices(),
            sealer: Sealer::new(&key).map_err(|_| IdentityError::Cipher)?,
            waiting: Waiting::default(),
            db,
            settings,
            key,
            clock,
            issuers: OnceLock::new(),
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

    /// The time.
    #[must_use]
    pub fn now(&self) -> Now {
        self.0.clock.now()
    }

    /// The time, in microseconds since 1970-01-01T00:00:00Z.
    pub(crate) fn now_us(&self) -> i64 {
        i64::try_from(self.0.clock.now().unix_us).unwrap_or(i64::MAX)
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

    /// The device of a cookie, whoever's it is.
    fn device(&self, cookie: Option<&str>) -> Option<Device> {
        let layered = self.0.settings.brute_force == BruteForce::Layered;
        self.0.devices.device(cookie.filter(|_| layered)?, self.now_s())
    }

    /// The cookie by which a device of this user is known from here on, the known one or a fresh one.
    fn known_device(&self, user_id: &str, known: Option<Device>) -> Result<Option<String>, IdentityError> {
        if self.0.settings.brute_force == BruteForce::Simple {
            return Ok(None);
        }
        let device = match known.filter(|device| device.user_id == user_id) {
            Some(device) => device,
            None => Device::fresh(user_id).map_err(IdentityError::Random)?,
        };
        Ok(self.0.devices.cookie(&device, self.now_s()))
    }

    fn now_s(&self) -> u64 {
        self.0.clock.now().unix_us / 1_000_000
    }

    /// Checks a password that is chosen.
    fn check_password(&self, password: &Secret, name: &Name, email: Option<&str>) -> Result<(), IdentityError> {
        let context = PasswordContext::new().name(name.shown());
        let context = email.map_or(context.clone(), |email| context.email(email));
        let site = self.0.settings.site.as_ref().and_then(|site| site.parse::<http::Uri>().ok());
        let context = site.as_ref().and_then(http::Uri::host).map_or(context.clone(), |host| context.site(host));
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
