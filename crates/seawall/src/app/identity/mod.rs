//! Users and sessions as the application wires them: who authenticates requests, what people and operators may ask, and who hears of
//! sessions that end.

mod cookie;
mod first;
mod forward;
mod limits;
mod links;
mod pages;
mod stranded;
mod tokens;

use std::{
    fmt,
    path::Path,
    sync::{Arc, OnceLock},
};

use axum::Router;
use seawall_config::Config;
use seawall_core::{
    Environment,
    authenticator::{Authenticator, Credentials, Found, Presented, RefreshCookie},
    clock::Clock,
    fetch::Fetch,
    meter::{Meter, NoMeter},
    onward::SignInPages,
    reply::{PortError, Reply},
};
use seawall_identity::{
    CredentialAuthenticator, IdentitySettings, SECTION,
    attempts::{AttemptsKey, DeviceKeys},
    http::{self, SessionCookie, Theme},
    mail::Postman,
    oidc::{self, IssuerSettings},
    organisations,
    passkeys::{self, PasskeySettings},
    people::{People, PeopleParts},
    tokens::Browser,
};
use seawall_proxy::{Plane, SERVER_SECTION, ServerSettings, spelled};
use seawall_store::{DatabaseUrl, Db, cache::Caches, hands::Hands, messages::Messages};

pub(super) use limits::{Limited, key_paths};

use super::{
    AppError, SystemClock, fetch,
    mail::Post,
    store::{StorePlace, between},
};

/// Users and sessions of this installation. The way in is built into sites before the store is open; until then nobody is known.
/// Cheap to clone.
#[derive(Clone, Debug)]
pub(crate) struct Identity(Arc<Inner>);

struct Inner {
    settings: IdentitySettings,
    issuers: Vec<IssuerSettings>,
    cookie: SessionCookie,
    theme: Arc<Theme>,
    /// Where browsers are sent that a route does not let in yet.
    pages: Option<SignInPages>,
    /// Where whoever shows a token that does not hold gets another.
    open_paths: Arc<[String]>,
    environment: Environment,
    /// Requests to Seawall itself that are being answered.
    ongoing: Hands,
    open: OnceLock<Open>,
}

/// What there is once the store is open.
struct Open {
    people: People,
    credentials: Arc<CredentialAuthenticator>,
}

impl Identity {
    /// Reads the settings.
    ///
    /// # Errors
    /// [`AppError::SessionsInClear`] when sessions would travel in clear outside development; [`AppError::Theme`] when a file of the
    /// pages cannot be shown. Their paths begin in `directory`.
    pub(super) fn new(config: &Config, directory: &Path) -> Result<Self, AppError> {
        let settings = IdentitySettings::read(config.values(&SECTION))?.with_environment(config.environment());
        let settings = settings.with_tiers(config.entries(&organisations::SECTION))?;
        let cookie = cookie::of(config, &settings)?;
        let server = ServerSettings::read(config.values(&SERVER_SECTION))?;
        let site = links::site(config, &settings, &server)?;
        let links = links::of(config, &settings, site.as_ref())?;
        let settings = settings.with_links(links).with_site(site);
        let settings = settings.with_passkeys(&PasskeySettings::read(config.values(&passkeys::SECTION))?)?;
        let issuers = IssuerSettings::read(config.entries(&oidc::SECTION))?;
        let open_paths = tokens::open_paths(&server.prefix);
        let theme = pages::theme(config, &settings, directory)?;
        let pages = pages::ways(&theme, &settings, &spelled(&server.prefix));
        let environment = config.environment();
        let inner = Inner {
            settings,
            issuers,
            cookie,
            theme,
            pages,
            open_paths,
            environment,
            ongoing: Hands::default(),
            open: OnceLock::new(),
        };
        Ok(Self(Arc::new(inner)))
    }

    /// Counts requests to Seawall itself.
    pub(super) fn ongoing(&self) -> Hands {
        self.0.ongoing.clone()
    }

    /// What guards look sessions up with, when people can sign in.
    pub(super) fn credentials(&self) -> Option<Credentials> {
        let settings = &self.0.settings;
        let refresh =
            || RefreshCookie { name: Arc::clone(self.0.cookie.refresh_name()), refresher: Arc::new(self.clone()) };
        let credentials = || Credentials {
            withheld: self.0.cookie.withheld(),
            pages: self.0.pages.clone(),
            refresh: (settings.browser == Browser::Tokens).then(refresh),
            page_tokens: Some(Arc::new(self.clone())),
            open_paths: Arc::clone(&self.0.open_paths),
            prover: settings.signed.then(|| Arc::new(self.clone()) as _),
            ..Credentials::new(Arc::clone(self.0.cookie.name()), Arc::new(self.clone()))
        };
        settings.enabled.then(credentials)
    }

    /// The store is open: from here on people are known.
    ///
    /// # Errors
    /// [`AppError::Data`] when the key of failed attempts cannot be used.
    pub(super) fn open(
        &self,
        place: &StorePlace,
        db: &Db,
        caches: &Caches,
        clock: Arc<dyn Clock>,
        meter: Arc<dyn Meter>,
    ) -> Result<(), AppError> {
        let settings = &self.0.settings;
        if settings.enabled {
            self.tell(place);
        }
        let key = attempts_key(settings, &place.data, &*clock)?;
        let parts = PeopleParts { db: db.clone(), caches, settings: settings.clone(), key, clock, meter };
        let people = People::new(parts)?;
        if !self.0.issuers.is_empty() {
            let client: Arc<dyn Fetch> = Arc::new(fetch::Client::new().map_err(AppError::Fetch)?);
            people.open_issuers(self.0.issuers.clone(), &client);
        }
        let credentials = people.authenticator();
        // It is opened once.
        let _first = self.0.open.set(Open { people, credentials });
        Ok(())
    }

    /// Waits until the application can be given proof, where that is wanted.
    ///
    /// # Errors
    /// [`AppError::Identity`] when there is no key and none can be made.
    pub(super) async fn ready(&self) -> Result<(), AppError> {
        let settings = &self.0.settings;
        match self.0.open.get().filter(|_| settings.enabled && settings.signed) {
            Some(open) => Ok(open.people.make_ready_to_sign().await?),
            None => Ok(()),
        }
    }

    /// Says of who is kept what an operator has to know at the start: that there is nobody, or somebody who cannot come in.
    pub(super) async fn tell_of_people(&self, prefix: &str) {
        if let Some(open) = self.0.open.get().filter(|_| self.0.settings.enabled) {
            first::tell(&open.people, self.0.environment, &spelled(prefix)).await;
            stranded::tell(&open.people).await;
        }
    }

    /// Says at the start what an operator may not have meant.
    fn tell(&self, place: &StorePlace) {
        if !self.0.cookie.secure() {
            tracing::warn!(
                cookie = &**self.0.cookie.name(),
                "sessions travel over plain http, which only a development environment permits; [tls], or a proxy that ends https and is named in [client_address], protects them"
            );
        }
        if self.0.settings.attempts_key.is_none() && matches!(place.url, DatabaseUrl::Postgres(_)) {
            tracing::info!(
                "failed attempts to sign in are counted by this node alone, refresh tokens are taken by the node that gave them, and second factors hold where they were enrolled; give all nodes on this database the same `attempts_key` in [identity]"
            );
        }
    }

    /// What people may ask under the prefix, when they can sign in.
    pub(super) fn router(&self, prefix: &str) -> Router {
        match self.0.open.get().filter(|_| self.0.settings.enabled) {
            Some(open) => {
                let prefix = format!("{}/auth", spelled(prefix));
                let people = http::router(&prefix, open.people.clone(), self.0.cookie.clone(), &self.0.theme);
                people.merge(forward::router(&prefix, open.people.clone()))
            }
            None => Router::new(),
        }
    }

    /// Who carries letters to these people, when anybody takes them and people can sign in.
    pub(super) fn postman(&self, post: &Post) -> Option<Postman> {
        let open = self.0.open.get().filter(|_| self.0.settings.enabled && self.0.settings.mail.links.is_some())?;
        Some(Postman::new(open.people.clone(), post.mailer()?))
    }

    /// The application's name.
    pub(super) fn application(&self) -> &str {
        &self.0.settings.authenticator_name
    }

    /// What operators may ask.
    pub(super) fn operator_router(&self) -> Router {
        self.0.open.get().map_or_else(Router::new, |open| http::operator_router(open.people.clone()))
    }

    /// Open sockets end with what they were opened with.
    pub(super) fn followed_by(&self, plane: &Plane) {
        if let Some(open) = self.0.open.get() {
            plane.follow(open.people.revocations());
        }
    }
}

/// The key by which failed attempts are counted.
fn attempts_key(settings: &IdentitySettings, data: &Path, clock: &dyn Clock) -> Result<AttemptsKey, AppError> {
    if let Some(secret) = &settings.attempts_key {
        return Ok(AttemptsKey::of(secret));
    }
    let path = data.join("identity.key");
    let key = AttemptsKey::open(&path).map_err(|source| AppError::Data { path, source })?;
    let path = data.join("devices.key");
    let devices = DeviceKeys::open(&path, clock.now().unix_us / 1_000_000);
    Ok(key.with_devices(devices.map_err(|source| AppError::Data { path, source })?))
}

/// What operators may ask of users when no server runs, and what tells other nodes of it.
///
/// # Errors
/// [`AppError`] when the key of failed attempts cannot be used, or messages cannot be carried as configured.
pub(crate) fn alone(db: &Db, place: &StorePlace, settings: IdentitySettings) -> Result<(Router, Messages), AppError> {
    let (clock, meter): (Arc<dyn Clock>, Arc<dyn Meter>) = (Arc::new(SystemClock::new()), Arc::new(NoMeter));
    let messages = between::messages(place, &*meter).map_err(|fault| AppError::from(*fault))?;
    let caches = Caches::new(messages.clone(), Arc::clone(&clock), Arc::clone(&meter));
    let key = attempts_key(&settings, &place.data, &*clock)?;
    let people = People::new(PeopleParts { db: db.clone(), caches: &caches, settings, key, clock, meter })?;
    Ok((http::operator_router(people), messages))
}

impl Authenticator for Identity {
    fn authenticate(&self, presented: &Presented<'_>) -> Reply<Found> {
        match self.0.open.get() {
            Some(open) => open.credentials.authenticate(presented),
            None => Reply::Ready(Err(PortError::Unavailable)),
        }
    }
}

impl fmt::Debug for Inner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Identity").field("enabled", &self.settings.enabled).finish_non_exhaustive()
    }
}
