//! Stores with people in them.

use std::{
    net::IpAddr,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use seawall_core::{
    authenticator::{Authenticator, Credential, Found, Presented},
    clock::{Clock, Now},
    facts::Facts,
    meter::NoMeter,
    principal::{Principal, Revoked, Role},
    reply::Reply,
    request_id::RequestId,
    settings::{Raw, Values},
};
use seawall_identity::{
    IdentityError, IdentitySettings, LEDGER, SECTION,
    attempts::AttemptsKey,
    passkeys::{self, PasskeySettings},
    people::{NewUser, People, PeopleParts, SignIn, SignInStep, SignedIn},
    users::User,
};
use seawall_store::{
    Cause, DatabaseUrl, Db, Lane, Options, StoreError, Surroundings, cache::Caches, messages::Messages, migration,
};
use tempfile::TempDir;

use crate::server::Server;

pub(crate) const PASSWORD: &str = "correct horse battery";

/// The secret of all nodes.
const KEY: &str = "the key of all nodes";

/// What a case may take on one engine.
const LONGEST: Duration = Duration::from_secs(60);

/// A store and what it lies on.
pub(crate) struct Ground {
    pub(crate) db: Db,
    pub(crate) clock: Arc<StoodStill>,
    url: DatabaseUrl,
    _directory: Option<TempDir>,
    _server: Option<Server>,
}

/// A clock that tests move.
#[derive(Debug)]
pub(crate) struct StoodStill(AtomicU64);

impl StoodStill {
    pub(crate) fn advance(&self, by: Duration) {
        self.0.fetch_add(u64::try_from(by.as_micros()).unwrap(), Ordering::SeqCst);
    }
}

impl Clock for StoodStill {
    fn now(&self) -> Now {
        let us = self.0.load(Ordering::SeqCst);
        Now { monotonic_us: us, unix_us: 1_800_000_000_000_000 + us }
    }
}

/// Runs a case on both engines.
pub(crate) async fn on_both(case: impl AsyncFn(&Ground)) {
    let directory = tempfile::tempdir().unwrap();
    let url = DatabaseUrl::Sqlite(directory.path().join("store.db"));
    let sqlite = Ground::new(url, Some(directory), None).await;
    tokio::time::timeout(LONGEST, case(&sqlite)).await.expect("the case hangs on SQLite");
    let server = Server::start();
    let url = DatabaseUrl::parse(&server.url()).unwrap();
    let postgres = Ground::new(url, None, Some(server)).await;
    tokio::time::timeout(LONGEST, case(&postgres)).await.expect("the case hangs on PostgreSQL");
    postgres.db.close();
}

impl Ground {
    async fn new(url: DatabaseUrl, directory: Option<TempDir>, server: Option<Server>) -> Self {
        let clock = Arc::new(StoodStill(AtomicU64::new(1_000_000)));
        let surroundings = Surroundings { clock: Arc::clone(&clock) as _, meter: &NoMeter };
        let db = Db::open(&url, &Options::default(), &surroundings).unwrap();
        migration::up(&db, &[&seawall_store::LEDGER, &LEDGER], |_| {}).await.unwrap();
        Self { db, clock, url, _directory: directory, _server: server }
    }

    /// A node on this store.
    pub(crate) async fn people(&self) -> Node {
        self.people_with(KEY, Values::defaults(&passkeys::SECTION)).await
    }

    /// One that keeps another secret.
    pub(crate) async fn people_with_key(&self, key: &str) -> Node {
        self.people_with(key, Values::defaults(&passkeys::SECTION)).await
    }

    /// One with this in `[identity.passkeys]`.
    pub(crate) async fn people_with_passkeys(&self, name: &'static str, value: Raw) -> Node {
        self.people_with(KEY, Values::defaults(&passkeys::SECTION).with(name, value)).await
    }

    async fn people_with(&self, key: &str, passkeys: Values) -> Node {
        let messages = match &self.url {
            DatabaseUrl::Sqlite(_) => Messages::in_process(&NoMeter),
            DatabaseUrl::Postgres(server) => Messages::over_postgres(server, &NoMeter).unwrap(),
        };
        while !messages.status().connected {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        self.people_who(messages, key, &passkeys)
    }

    /// A node on this store that hears of others by these.
    pub(crate) fn people_who_hear(&self, messages: Messages) -> Node {
        self.people_who(messages, KEY, &Values::defaults(&passkeys::SECTION))
    }

    fn people_who(&self, messages: Messages, key: &str, passkeys: &Values) -> Node {
        let scopes = ["orders:read", "orders:write"].map(|scope| Raw::Text(scope.to_owned()));
        let values = Values::defaults(&SECTION).with("enabled", Raw::Flag(true));
        let values = values.with("scopes", Raw::List(scopes.to_vec()));
        let limits = ["100/min per user", "1000/hour per org"].map(|limit| Raw::Text(limit.to_owned()));
        let pro = Values::default().with("limits", Raw::List(limits.to_vec()));
        let tiers = [("pro".to_owned(), pro)];
        let caches = Caches::new(messages, Arc::clone(&self.clock) as _, Arc::new(NoMeter));
        let people = People::new(PeopleParts {
            db: self.db.clone(),
            caches: &caches,
            settings: IdentitySettings::read(&values)
                .unwrap()
                .with_tiers(&tiers)
                .unwrap()
                .with_site(Some("https://app.example/auth".to_owned()))
                .with_passkeys(&PasskeySettings::read(passkeys).unwrap())
                .unwrap()
                .with_links(Some("https://app.example/auth".to_owned())),
            key: AttemptsKey::of(&key.to_owned().into()),
            clock: Arc::clone(&self.clock) as _,
            meter: Arc::new(NoMeter),
        })
        .unwrap();
        let heard = Arc::<Mutex<Vec<Revoked>>>::default();
        let hears = Arc::clone(&heard);
        people.revocations().listen(Arc::new(move |revoked| hears.lock().unwrap().push(revoked.clone())));
        Node { people, clock: Arc::clone(&self.clock), heard }
    }

    /// Seconds since 1970-01-01T00:00:00Z.
    pub(crate) fn now_s(&self) -> u64 {
        self.clock.now().unix_us / 1_000_000
    }

    /// Whether the store is a server that several nodes can have.
    pub(crate) const fn shared(&self) -> bool {
        matches!(self.url, DatabaseUrl::Postgres(_))
    }
}

/// What one entry of the audit log says: whom it is about, the outcome, and what was before and after.
pub(crate) type Told = (String, String, Option<String>, Option<String>);

impl Ground {
    /// All entries of one action, the first first.
    pub(crate) async fn audited(&self, action: &'static str) -> Vec<Told> {
        let read = self.db.read::<_, StoreError>(Lane::Interactive, move |tx| {
            let sql = "SELECT object_id, outcome, before, after FROM audit_log WHERE action = $1 ORDER BY id";
            tx.all(sql, &[&action])
        });
        read.await.unwrap()
    }
}

/// A process with people.
pub(crate) struct Node {
    pub(crate) people: People,
    clock: Arc<StoodStill>,
    heard: Arc<Mutex<Vec<Revoked>>>,
}

impl Node {
    pub(crate) async fn add(&self, name: &str, roles: &[&str]) -> User {
        let roles = roles.iter().map(|role| Role::parse(role).unwrap()).collect();
        let new = NewUser { name: name.to_owned(), email: None, roles, password: Some(PASSWORD.to_owned().into()) };
        self.people.add(&Cause::operator(), new).await.unwrap()
    }

    pub(crate) async fn try_sign_in(&self, name: &str, password: &str, from: &str) -> Result<SignedIn, IdentityError> {
        match self.begin(name, password, from, None).await? {
            SignInStep::SignedIn(signed_in) => Ok(*signed_in),
            SignInStep::SecondFactor(_) => panic!("{name} has a second factor"),
        }
    }

    /// The first step of signing in, from a device that has this cookie.
    pub(crate) async fn begin(
        &self,
        name: &str,
        password: &str,
        from: &str,
        device: Option<&str>,
    ) -> Result<SignInStep, IdentityError> {
        let (name, password, device) = (name.to_owned(), password.to_owned().into(), device.map(str::to_owned));
        let asked = SignIn { name, password, user_agent: None, device };
        self.people.sign_in(&facts(from, None), asked).await
    }

    pub(crate) async fn sign_in(&self, name: &str) -> SignedIn {
        self.try_sign_in(name, PASSWORD, "192.0.2.1").await.unwrap()
    }

    /// Whose a token is.
    pub(crate) async fn whose(&self, token: &str) -> Option<Arc<Principal>> {
        match self.found(Credential::Session(token.as_bytes()), "192.0.2.1").await {
            Found::Principal(principal) => Some(principal),
            Found::Nobody | Found::Refused | Found::Foreign => None,
            Found::Elsewhere => panic!("sessions hold everywhere"),
        }
    }

    /// Whose a key is, from there.
    pub(crate) async fn whose_key(&self, key: &str, from: &str) -> Found {
        self.found(Credential::Key(key.as_bytes()), from).await
    }

    async fn found(&self, credential: Credential<'_>, from: &str) -> Found {
        let now = self.clock.now();
        let presented = Presented { credential, client: address(from), now, deadline_us: now.monotonic_us + 5_000_000 };
        let found = match self.people.authenticator().authenticate(&presented) {
            Reply::Ready(found) => found,
            Reply::Later(wait) => wait.await,
        };
        found.unwrap()
    }

    /// What an access token is found to be.
    pub(crate) async fn token(&self, token: &str) -> Found {
        self.found(Credential::Token(token.as_bytes()), "192.0.2.1").await
    }

    /// What listeners heard so far.
    pub(crate) fn heard(&self) -> Vec<Revoked> {
        self.heard.lock().unwrap().clone()
    }

    /// Waits until listeners have heard of so many.
    pub(crate) async fn until_heard(&self, count: usize) -> Vec<Revoked> {
        while self.heard().len() < count {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        self.heard()
    }
}

pub(crate) fn facts(from: &str, principal: Option<Arc<Principal>>) -> Facts {
    Facts {
        request_id: RequestId::generate(1_800_000_000_000_000, [1; 10]),
        client: address(from),
        secure: true,
        wants_page: false,
        principal,
        unproven: None,
        refresh: None,
    }
}

pub(crate) fn address(text: &str) -> IpAddr {
    text.parse().unwrap()
}
