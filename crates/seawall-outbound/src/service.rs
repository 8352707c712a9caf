//! One call: who makes it, where it goes, and what is answered.

use std::{
    convert::Infallible,
    sync::{
        Arc, OnceLock, PoisonError, RwLock,
        atomic::{AtomicI64, Ordering},
    },
};

use bytes::Bytes;
use http::{
    HeaderName, HeaderValue, Method, Request, Response,
    header::{CACHE_CONTROL, CONNECTION, CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE},
    request,
};
use hyper::body::Incoming;
use seawall_core::{
    meter::Handle,
    problem::{self, Problem},
    reply::{PortError, Reply},
    request_id::RequestId,
    span::Tracer,
};
use seawall_store::{Db, hands::Hands, outbox::Delivery};
use serde_json::Value;

use crate::{
    ExternalSettings, OutboundSettings, Surroundings,
    body::{Body, whole},
    caller::{self, Caller, Callers, Identified, Shown},
    exposed::{self, Outside},
    external::Externals,
    keyring::{CallerSettings, Keyring},
    llm::{
        self, Books, Courier, Drains, Gateway, LlmSettings, PricesFile, Records, Refused, Rounds, Shelf, Treasury,
        Webhook,
    },
    memory::{Held, Memory},
    problem::{KEY_NEEDED, NO_ROOM, NO_SUCH_MODEL, NO_SUCH_OUTBOUND, WRONG_USER},
};

static REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Everything that answers the application's calls. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Outbound(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    callers: Arc<dyn Callers>,
    around: Surroundings,
    memory: Memory,
    drains: Drains,
    problems: ProblemStyle,
    services: RwLock<Arc<Services>>,
    /// Where calls of language models are recorded and paid, once the store is open.
    books: OnceLock<Books>,
    /// The store itself: where calls of services are written down, and what calls of models have cost is read.
    db: OnceLock<Db>,
    prices_changed: Handle,
    /// What that gauge shows, which is moved by differences.
    shown_s: AtomicI64,
}

/// What can be called.
#[derive(Debug, Default)]
struct Services {
    keyring: Keyring,
    externals: Externals,
    models: Option<Gateway>,
}

/// Services that are ready, and not asked yet.
#[derive(Debug)]
pub struct Prepared(Arc<Services>);

/// What is configured to be called.
#[derive(Clone, Debug, Default)]
pub struct ServiceSettings {
    /// Services called as `/out/NAME/…`.
    pub externals: Vec<ExternalSettings>,
    /// Language models, called as `/llm/…`.
    pub models: Option<LlmSettings>,
    /// Programs with keys of their own.
    pub callers: Vec<CallerSettings>,
}

/// How problems are told.
#[derive(Clone, Debug)]
pub struct ProblemStyle {
    /// What stands before a slug in a type URI, such as `/_seawall/problems/`.
    pub base: String,
    /// Whether what happened inside is told: in development only.
    pub inside: bool,
}

/// A call, read and from somebody.
#[derive(Debug)]
pub(crate) struct Call {
    pub(crate) head: request::Parts,
    pub(crate) body: Bytes,
    pub(crate) caller: Caller,
}

/// What a call is answered.
#[derive(Debug)]
pub(crate) struct Answered {
    pub(crate) response: Response<Body>,
    pub(crate) attempts: u32,
}

impl Outbound {
    /// What answers calls of these services.
    ///
    /// # Errors
    /// A sentence: a setting that only shows when it is used.
    pub fn new(
        settings: &OutboundSettings,
        services: ServiceSettings,
        callers: Arc<dyn Callers>,
        around: Surroundings,
        problems: ProblemStyle,
    ) -> Result<Self, String> {
        let services = Services::new(services, &Services::default(), &around)?;
        let memory = Memory::new(settings.memory_bytes, settings.largest_call_bytes);
        let services = RwLock::new(Arc::new(services));
        let inner = Inner {
            callers,
            memory,
            drains: Drains::default(),
            problems,
            services,
            books: OnceLock::new(),
            db: OnceLock::new(),
            prices_changed: around.meter.series(&llm::PRICES_CHANGED, &[]),
            shown_s: AtomicI64::new(0),
            around,
        };
        let outbound = Self(Arc::new(inner));
        outbound.tell_prices();
        Ok(outbound)
    }

    /// Makes changed services ready; nothing is switched. What was learnt of services that stay is kept.
    ///
    /// # Errors
    /// As [`Outbound::new`].
    pub fn prepare(&self, services: ServiceSettings) -> Result<Prepared, String> {
        Services::new(services, &self.services(), &self.0.around).map(|fresh| Prepared(Arc::new(fresh)))
    }

    /// From now on calls of language models, and those of services that do something, are recorded, here; until then they are refused. What
    /// budgets have left of processes that are gone is given back first. Calls in sampled traces are told to `tracer`.
    pub async fn open(&self, db: &Db, tracer: Arc<dyn Tracer>) {
        // Whoever opens it twice means the same database.
        let books = Books {
            records: Records::start(db.clone(), &*self.0.around.meter),
            treasury: Treasury::start(db.clone(), Arc::clone(&self.0.around.clock)).await,
            rounds: Rounds::start(db.clone()),
            shelf: Shelf::start(db.clone(), &*self.0.around.meter),
            tracer,
            hands: Hands::default(),
        };
        let _same = (self.0.books.set(books), self.0.db.set(db.clone()));
    }

    /// What the store's outbox is to deliver: posts to webhooks.
    #[must_use]
    pub fn deliveries(&self) -> Vec<Delivery> {
        vec![Delivery { topic: llm::TOPIC, handler: Arc::new(Courier::new(self.clone(), &self.0.around)) }]
    }

    /// Who is told of a budget by the configuration that holds.
    pub(crate) fn webhook(&self, budget: &str) -> Option<Webhook> {
        self.services().models.as_ref()?.webhook(budget)
    }

    /// Waits until every call that is under way is recorded. Calls that begin later are not waited for.
    pub async fn settled(&self) {
        if let Some(books) = self.0.books.get() {
            books.hands.let_go().await;
            self.flush().await;
        }
    }

    /// How many calls are under way.
    #[must_use]
    pub fn under_way(&self) -> usize {
        self.0.books.get().map_or(0, |books| books.hands.len())
    }

    /// Waits until every call that has ended is recorded.
    pub async fn flush(&self) {
        if let Some(books) = self.0.books.get() {
            books.records.flush().await;
            books.shelf.flush().await;
        }
    }

    /// Records every call that has ended, and gives back what budgets have left in memory. Call it before the database is closed.
    pub async fn close(&self) {
        self.flush().await;
        if let Some(books) = self.0.books.get() {
            books.treasury.close().await;
            books.rounds.flush().await;
        }
    }

    /// Answers calls with these services. Calls that are under way end as they began.
    pub fn switch(&self, prepared: Prepared) {
        *self.0.services.write().unwrap_or_else(PoisonError::into_inner) = prepared.0;
        self.tell_prices();
    }

    /// What models of language cost, as operators read it: those of the configuration, or the one of this name.
    #[must_use]
    pub fn prices(&self, model: Option<&str>) -> Vec<Value> {
        self.services().models.as_ref().map(|models| llm::price_list(models, model)).unwrap_or_default()
    }

    /// The file of prices that is in use, when there is one.
    #[must_use]
    pub fn prices_file(&self) -> Option<PricesFile> {
        self.services().models.as_ref()?.prices().tables.file().cloned()
    }

    fn tell_prices(&self) {
        let changed_s = self.prices_file().map_or(0, |file| i64::try_from(file.changed_at_s).unwrap_or(i64::MAX));
        self.0.prices_changed.add(changed_s.saturating_sub(self.0.shown_s.swap(changed_s, Ordering::Relaxed)));
    }

    fn services(&self) -> Arc<Services> {
        Arc::clone(&self.0.services.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Answers a call of the application. Whatever goes wrong is an answer too.
    ///
    /// # Errors
    /// Never.
    pub async fn answer(self, request: Request<Incoming>) -> Result<Response<Body>, Infallible> {
        let begun = self.0.around.clock.now();
        let (mut head, body) = request.into_parts();
        let told = head.headers.get(&REQUEST_ID).and_then(|value| RequestId::parse(value.as_bytes()));
        let request_id = told.unwrap_or_else(|| RequestId::generate(begun.unix_us, random()));
        let (method, path) = (head.method.clone(), head.uri.path().to_owned());
        let shown = caller::taken(&mut head);
        head.headers.insert(&REQUEST_ID, field(request_id.as_str()));
        let answered = self.routed(head, body, shown).await;
        let (mut response, attempts) = match answered {
            Ok(Answered { response, attempts }) => (response, attempts),
            Err(Refused(dialect, problem)) => {
                let inside = problem.inside.as_deref().unwrap_or_default();
                tracing::debug!(
                    request.id = request_id.as_str(),
                    problem = problem.kind.slug,
                    inside,
                    "a call was refused"
                );
                let response = match dialect {
                    Some(dialect) => llm::rendered(dialect, &problem, request_id.as_str()),
                    None => self.0.problems.render(&problem, request_id.as_str()),
                };
                (response, 0)
            }
        };
        response.headers_mut().insert(&REQUEST_ID, field(request_id.as_str()));
        tracing::debug!(
            request.id = request_id.as_str(),
            http.method = %method,
            url.path = path,
            http.status = response.status().as_u16(),
            attempts,
            duration_us = self.0.around.clock.now().since_us(begun),
            "called"
        );
        Ok(response)
    }

    /// Answers a call of a model that comes from outside, by a route that is exposed. Nothing where none is.
    ///
    /// # Errors
    /// A [`Problem`] of whoever asks, or of what is asked: what comes of the call itself is an answer in its dialect's words.
    pub async fn answer_outside(&self, call: Outside<'_>) -> Result<Option<Response<Body>>, Box<Problem>> {
        let services = self.services();
        let Some(models) = &services.models else { return Ok(None) };
        let path = call.path;
        let ask = |call, held| self.ask(&services, call, path, held);
        exposed::answer(call, models, &self.0.memory, ask).await
    }

    async fn routed(
        &self,
        head: request::Parts,
        body: Incoming,
        shown: Option<(Vec<u8>, Option<Vec<u8>>)>,
    ) -> Result<Answered, Refused> {
        let path = head.uri.path().to_owned();
        let of_models = path.strip_prefix("/llm").filter(|rest| rest.starts_with('/'));
        let asked = of_models.and_then(|rest| llm::asked(&head.method, llm::split(rest).1, &head.headers));
        let dialect = asked.map(|asked| asked.dialect);
        let refused = |problem: Box<Problem>| Refused(dialect, problem);
        let caller = self.caller(shown).await.map_err(refused)?;
        let held = self.0.memory.hold(body).await.map_err(refused)?;
        let (call, services) = (Call { head, body: held.bytes.clone(), caller }, self.services());
        match (of_models, &services.models) {
            (Some(llm::spent::PATH), Some(_)) if call.head.method == Method::GET => {
                let opened = self.0.books.get().zip(self.0.db.get());
                let (books, db) = opened.ok_or_else(|| refused(Problem::new(&NO_ROOM).retry_after(1).into()))?;
                llm::spent::answer(&call.head, &call.caller, &books.records, db).await.map_err(refused)
            }
            (Some(rest), Some(_)) => self.ask(&services, call, rest, held).await,
            (Some(_), None) => {
                Err(refused(Problem::new(&NO_SUCH_MODEL).detail("There is no [llm.provider.NAME].").into()))
            }
            (None, _) if path.starts_with("/out/") => {
                services.externals.answer(call, self.0.db.get()).await.map_err(refused)
            }
            (None, _) => {
                let detail = "Services are called as /out/NAME/…, and language models as /llm/v1/…";
                Err(refused(Problem::new(&NO_SUCH_OUTBOUND).detail(detail).into()))
            }
        }
    }

    /// Asks a model. Where its route says so, the answer is read to its end also when whoever asked leaves.
    async fn ask(&self, services: &Arc<Services>, call: Call, path: &str, held: Held) -> Result<Answered, Refused> {
        let asked = llm::asked(&call.head.method, llm::split(path).1, &call.head.headers);
        let dialect = asked.map(|asked| asked.dialect);
        let drains = services.models.as_ref().is_some_and(|models| models.drains(path));
        let (own, services, path) = (self.clone(), Arc::clone(services), path.to_owned());
        let calling = Box::pin(async move {
            let _held = held;
            let (books, models) = own
                .0
                .books
                .get()
                .zip(services.models.as_ref())
                .ok_or_else(|| Refused(dialect, Problem::new(&NO_ROOM).retry_after(1).into()))?;
            models.answer(call, &path, books, &own.0.around).await
        });
        if drains { self.0.drains.answered(calling).await } else { calling.await }
    }

    /// Who calls. Nothing is read of a call whose key is wrong.
    async fn caller(&self, shown: Option<(Vec<u8>, Option<Vec<u8>>)>) -> Result<Caller, Box<Problem>> {
        let key_needed = || {
            let challenge = HeaderValue::from_static("Bearer realm=\"seawall\"");
            Problem::new(&KEY_NEEDED).header(WWW_AUTHENTICATE, challenge).close()
        };
        let (key, user_token) = shown.ok_or_else(key_needed)?;
        if let Some((key, may)) = self.services().keyring.find(&key) {
            let wrong = || Box::new(Problem::new(&WRONG_USER));
            let user = user_token.map(|token| self.0.callers.user(&token).ok_or_else(wrong)).transpose()?;
            return Ok(Caller { key, user, may });
        }
        let identified = match self.0.callers.identify(Shown { key: &key, user_token: user_token.as_deref() }) {
            Reply::Ready(identified) => identified,
            Reply::Later(wait) => wait.await,
        };
        let unknown = |error: PortError| Problem::new(&NO_ROOM).retry_after(1).inside(error.to_string());
        match identified.map_err(unknown)? {
            Identified::Caller(caller) => Ok(caller),
            Identified::WrongKey => Err(key_needed().into()),
            Identified::WrongUser => Err(Problem::new(&WRONG_USER).into()),
            Identified::Refused(problem) => Err(problem),
        }
    }
}

impl Services {
    fn new(settings: ServiceSettings, earlier: &Self, around: &Surroundings) -> Result<Self, String> {
        let externals = Externals::new(settings.externals, &earlier.externals, around)?;
        let models = settings.models.map(|models| Gateway::new(models, earlier.models.as_ref(), around)).transpose()?;
        let keyring = Keyring::new(settings.callers)?;
        Ok(Self { keyring, externals, models })
    }
}

impl ProblemStyle {
    fn render(&self, problem: &Problem, request_id: &str) -> Response<Body> {
        let mut response = Response::new(whole(problem::json(problem, &self.base, request_id, self.inside).into()));
        *response.status_mut() = problem.status();
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        if let Some(seconds) = problem.retry_after {
            headers.insert(RETRY_AFTER, HeaderValue::from(seconds));
        }
        if problem.closes {
            headers.insert(CONNECTION, HeaderValue::from_static("close"));
        }
        for (name, value) in &problem.headers {
            headers.insert(name, value.clone());
        }
        response
    }
}

fn random() -> [u8; 10] {
    let mut bytes = [0; 10];
    fastrand::fill(&mut bytes);
    bytes
}

/// Ids hold only characters that a field may have.
fn field(id: &str) -> HeaderValue {
    HeaderValue::from_str(id).unwrap_or_else(|_| HeaderValue::from_static("-"))
}
