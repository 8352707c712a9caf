//! Other services, called as `/out/NAME/…`: each with its key, its allow list, its clocks and its cache.

mod address;
mod audit;
mod cache;
mod config;

use std::{collections::BTreeMap, sync::Arc};

use http::{
    HeaderName, HeaderValue, Method, Response, StatusCode,
    header::{CONTENT_LENGTH, COOKIE, EXPECT, FORWARDED, HOST, LOCATION, SET_COOKIE, TRAILER},
    request, response,
};
use seawall_core::{
    clock::Clock,
    http::{PathRules, RoutePattern, hop, path, strip_own_fields},
    meter::{Handle, Metric, MetricKind},
    problem::Problem,
    resilience::Keyed,
    settings::Secret,
};
use seawall_resilience::Deadline;
use seawall_store::Db;

use crate::{
    body::{Parts, gathered, streamed, whole},
    endpoint::{Answer, Endpoint, Outgoing, Surroundings},
    flight::{Joined, Leader},
    problem::{BAD_CALL, FAILED, KEY_LIMITED, LATE, LED_AWAY, NO_ROOM, NO_SUCH_OUTBOUND, NOT_ALLOWED, of},
    service::{Answered, Call},
    unheard::Unheard,
};
use address::{host_of, resolved, with_parameter};
use audit::Deed;
use cache::{Cache, Kept, Key, may_be_kept, no_store};
use config::Slot;

pub use config::ExternalSettings;
pub(crate) use config::{BaseUrl, FIELDS, demands};

/// What became of calls for which answers are kept.
pub static CACHE: Metric = Metric {
    name: "seawall_outbound_cache",
    help: "Calls of services whose answers are kept, by service and result: hit, joined or miss.",
    kind: MetricKind::Counter,
    labels: &["outbound", "result"],
};

/// How an answer came to be: `hit`, `joined` or `miss`.
static CACHE_FIELD: HeaderName = HeaderName::from_static("x-seawall-cache");

/// How many attempts an answer took.
static ATTEMPTS_FIELD: HeaderName = HeaderName::from_static("x-seawall-attempts");

/// By which a service carries a request out once.
static IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");

/// Fields that are the application's own business, or that the client writes anew.
static KEPT_BACK: [HeaderName; 5] = [HOST, CONTENT_LENGTH, COOKIE, EXPECT, FORWARDED];

/// The beginning of fields in which proxies tell the application who its client is and what it asked for: nobody else's business.
const TOLD_BY_PROXIES: &str = "x-forwarded-";

/// The services of one configuration.
#[derive(Debug, Default)]
pub(crate) struct Externals(BTreeMap<String, Arc<External>>);

/// One service.
#[derive(Debug)]
struct External {
    settings: ExternalSettings,
    endpoint: Endpoint,
    secret: Option<Held>,
    cache: Option<Arc<Cache>>,
    meters: CacheMeters,
    clock: Arc<dyn Clock>,
}

/// A service's key, as it is sent.
#[derive(Debug)]
enum Held {
    Field(HeaderName, HeaderValue),
    Query(String, Secret),
}

#[derive(Debug)]
struct CacheMeters {
    hit: Handle,
    joined: Handle,
    miss: Handle,
}

/// What is asked of a service, looked at and ready.
struct Asked<'a> {
    service: &'a External,
    outgoing: Outgoing,
    deadline: Deadline,
    /// What stands before the service's paths in the caller's.
    mount: String,
    /// As the audit log has it.
    deed: Option<Deed>,
}

/// Where an answer is kept, and for whom it is brought.
struct Keeping<'a> {
    cache: &'a Cache,
    key: Key,
    leader: Leader<Key, Arc<Kept>>,
}

impl Externals {
    /// The services of these settings. What `earlier` learnt of those that stay is kept.
    pub(crate) fn new(settings: Vec<ExternalSettings>, earlier: &Self, around: &Surroundings) -> Result<Self, String> {
        let made = settings.into_iter().map(|settings| {
            let known = earlier.0.get(&settings.name);
            Ok((settings.name.clone(), Arc::new(External::new(settings, known.map(|known| &**known), around)?)))
        });
        made.collect::<Result<_, String>>().map(Self)
    }

    /// The names of the services.
    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }

    /// Answers a call whose path, below the listener's `/out`, begins with the name of a service.
    /// `log` is where calls that do something are written down; nothing as long as it is not open.
    pub(crate) async fn answer(&self, call: Call, log: Option<&Db>) -> Result<Answered, Box<Problem>> {
        let path = call.head.uri.path().strip_prefix("/out/").unwrap_or_default();
        let (name, _) = path.split_once('/').unwrap_or((path, ""));
        let service = self.0.get(name).ok_or_else(|| {
            let known = self.names().collect::<Vec<_>>().join(", ");
            Problem::new(&NO_SUCH_OUTBOUND).detail(format!("The services are: {known}."))
        })?;
        if !call.caller.may.service(name) {
            tracing::warn!(
                outbound.name = name,
                caller.key = &*call.caller.key,
                "a program asked for what its key does not list"
            );
            let detail = format!("The key \"{}\" may not call the service \"{name}\".", call.caller.key);
            return Err(Problem::new(&KEY_LIMITED).detail(detail).into());
        }
        Arc::clone(service).answer(call, log).await
    }
}

impl External {
    fn new(settings: ExternalSettings, earlier: Option<&Self>, around: &Surroundings) -> Result<Self, String> {
        let endpoint =
            Endpoint::new(&settings.name, settings.endpoint.clone(), earlier.map(|earlier| &earlier.endpoint), around);
        let secret = settings.secret.as_ref().map(|(slot, secret)| Held::new(slot, secret)).transpose();
        let secret = secret.map_err(|wrong| format!("the secret of \"{}\" {wrong}", settings.name))?;
        let cache = settings.cache.map(|kept| {
            // What one account was answered is not for another.
            let account = |settings: &ExternalSettings| {
                settings.secret.as_ref().map(|(slot, secret)| (slot.clone(), secret.expose().to_owned()))
            };
            let same = |earlier: &&Self| {
                (earlier.settings.cache, earlier.settings.cache_bytes, &earlier.settings.base)
                    == (settings.cache, settings.cache_bytes, &settings.base)
                    && account(&earlier.settings) == account(&settings)
            };
            let known = earlier.filter(same).and_then(|earlier| earlier.cache.clone());
            known.unwrap_or_else(|| Arc::new(Cache::new(kept, settings.cache_bytes)))
        });
        let series = |result| around.meter.series(&CACHE, &[&settings.name, result]);
        let meters = CacheMeters { hit: series("hit"), joined: series("joined"), miss: series("miss") };
        Ok(Self { endpoint, secret, cache, meters, clock: Arc::clone(&around.clock), settings })
    }

    async fn answer(&self, call: Call, log: Option<&Db>) -> Result<Answered, Box<Problem>> {
        let asked = self.asked(call, log)?;
        match &self.cache {
            Some(cache) if asked.cacheable() => asked.kept_or_asked(cache).await,
            _ => asked.answered(None).await,
        }
    }

    /// What a call asks for, when it may be asked.
    fn asked(&self, call: Call, log: Option<&Db>) -> Result<Asked<'_>, Box<Problem>> {
        let Call { head, body, caller } = call;
        let (name, method) = (&self.settings.name, &head.method);
        let mount = format!("/out/{name}");
        let below = head.uri.path().strip_prefix(&mount).unwrap_or_default();
        let rules = PathRules { encoded_slash: path::PathRule::Refuse };
        let below =
            path::normalise(below, &rules).map_err(|fault| Problem::new(&BAD_CALL).detail(fault.to_string()))?;
        if !self.settings.allow.iter().any(|allowed| allowed.covers(method, &below)) {
            tracing::warn!(
                outbound.name = name,
                http.method = %method,
                caller.key = &*caller.key,
                caller.user = caller.user.as_deref(),
                "the application asked for what is not allowed"
            );
            return Err(Problem::new(&NOT_ALLOWED).detail(self.allowed()).into());
        }
        let deed = if self.settings.audit.iter().any(|audited| audited.covers(method, &below)) {
            let log = log.ok_or_else(|| Problem::new(&NO_ROOM).retry_after(1))?;
            Some(Deed::new(log, name, &caller, &head, &below))
        } else {
            None
        };
        let uri = self.settings.base.join(&below, head.uri.query());
        let uri = uri.ok_or_else(|| Problem::new(&BAD_CALL).detail("The path is no part of an address."))?;
        let request::Parts { method, mut headers, .. } = head;
        hop::strip(&mut headers).map_err(|fault| Problem::new(&BAD_CALL).detail(fault.to_string()))?;
        strip_own_fields(&mut headers);
        let told = headers.keys().filter(|name| name.as_str().starts_with(TOLD_BY_PROXIES)).cloned();
        for field in KEPT_BACK.iter().cloned().chain(told.collect::<Vec<_>>()) {
            headers.remove(field);
        }
        let keyed = if headers.contains_key(&IDEMPOTENCY_KEY) { Keyed::Yes } else { Keyed::No };
        let deadline = Deadline::after(self.endpoint.settings().clocks.total);
        Ok(Asked {
            service: self,
            outgoing: Outgoing { method, uri, headers, body, keyed, patient: false },
            deadline,
            mount,
            deed,
        })
    }

    fn allowed(&self) -> String {
        let allowed = self.settings.allow.iter().map(RoutePattern::to_string).collect::<Vec<_>>().join(", ");
        format!("Of \"{}\" may be asked: {allowed}.", self.settings.name)
    }
}

impl Asked<'_> {
    fn cacheable(&self) -> bool {
        self.outgoing.method == Method::GET && self.outgoing.body.is_empty() && !no_store(&self.outgoing.headers)
    }

    /// The answer that is kept, or that another call for the same brings, or one's own.
    async fn kept_or_asked(self, cache: &Cache) -> Result<Answered, Box<Problem>> {
        let service = self.service;
        let target = self.outgoing.uri.path_and_query().map_or("", http::uri::PathAndQuery::as_str);
        let key = Key::of(target, &self.outgoing.headers);
        let find = || cache.get(&key, service.clock.now());
        if let Some(kept) = find() {
            service.meters.hit.increment();
            return Ok(self.given(&kept, "hit"));
        }
        let joined = cache.flights.join(&key, self.deadline, find).await;
        match joined.map_err(|_| Problem::new(&LATE))? {
            Joined::Brought(kept) => {
                service.meters.joined.increment();
                Ok(self.given(&kept, "joined"))
            }
            Joined::Alone => {
                service.meters.miss.increment();
                self.answered(None).await
            }
            Joined::Lead(leader) => {
                service.meters.miss.increment();
                self.answered(Some(Keeping { cache, key: key.clone(), leader })).await
            }
        }
    }

    /// A kept answer, for this call.
    fn given(&self, kept: &Kept, how: &'static str) -> Answered {
        let mut response = Response::new(whole(kept.body.clone()));
        response.headers_mut().clone_from(&kept.headers);
        let (age, seconds) = kept.age(self.service.clock.now());
        response.headers_mut().insert(age, seconds);
        response.headers_mut().insert(&CACHE_FIELD, HeaderValue::from_static(how));
        Answered { response, attempts: 0 }
    }

    /// Asks the service. With a cache, the answer is kept when it may be, and given to those who wait for it.
    async fn answered(mut self, cache: Option<Keeping<'_>>) -> Result<Answered, Box<Problem>> {
        if let Some(secret) = &self.service.secret {
            secret.add(&mut self.outgoing)?;
        }
        let name = &self.service.settings.name;
        if let Some(deed) = &self.deed {
            deed.called().await?;
        }
        let answer = self.service.endpoint.call(&self.outgoing, self.deadline, &Unheard::default()).await;
        if let Some(deed) = &self.deed {
            deed.answered(answer.as_ref().ok().map(|answer| answer.head.status)).await;
        }
        let Answer { mut head, body, attempts } = answer.map_err(|error| {
            tracing::warn!(outbound.name = name, error = %error, "a service gave no answer");
            of(&error, name)
        })?;
        self.cleaned(&mut head)?;
        head.headers.insert(&ATTEMPTS_FIELD, HeaderValue::from(attempts));
        let Some(Keeping { cache, key, leader }) = cache else {
            return Ok(Answered { response: Response::from_parts(head, streamed(body)), attempts });
        };
        head.headers.insert(&CACHE_FIELD, HeaderValue::from_static("miss"));
        if !may_be_kept(head.status, &head.headers) {
            leader.keep();
            return Ok(Answered { response: Response::from_parts(head, streamed(body)), attempts });
        }
        match gathered(body, cache.largest_bytes()).await {
            Ok(Parts::Whole(body)) => {
                let mut headers = head.headers.clone();
                for field in [&CACHE_FIELD, &ATTEMPTS_FIELD, &CONTENT_LENGTH] {
                    headers.remove(field);
                }
                let kept = Arc::new(Kept::new(headers, body.clone(), self.service.clock.now()));
                cache.put(key, Arc::clone(&kept));
                leader.share(kept);
                head.headers.remove(CONTENT_LENGTH);
                Ok(Answered { response: Response::from_parts(head, whole(body)), attempts })
            }
            // Larger than what is kept.
            Ok(Parts::Begun(body)) => {
                leader.keep();
                Ok(Answered { response: Response::from_parts(head, body), attempts })
            }
            Err(error) => {
                leader.keep();
                Err(Problem::new(&FAILED)
                    .detail(format!("The service is \"{name}\"."))
                    .inside(error.to_string())
                    .into())
            }
        }
    }

    /// Takes out of an answer what is between Seawall and the service, and leads redirections back through Seawall.
    fn cleaned(&self, head: &mut response::Parts) -> Result<(), Box<Problem>> {
        let name = &self.service.settings.name;
        let fault = |what: String| Problem::new(&FAILED).detail(format!("The service is \"{name}\".")).inside(what);
        hop::strip(&mut head.headers).map_err(|error| fault(error.to_string()))?;
        strip_own_fields(&mut head.headers);
        head.headers.remove(TRAILER);
        // A cookie would be the service's for all of the application's users at once.
        head.headers.remove(SET_COOKIE);
        let redirects = head.status.is_redirection() && head.status != StatusCode::NOT_MODIFIED;
        let Some(location) = head.headers.get(LOCATION).filter(|_| redirects) else { return Ok(()) };
        let led = location.to_str().ok().and_then(|location| self.led_back(location));
        let led = led.ok_or_else(|| {
            let to = host_of(location);
            tracing::warn!(outbound.name = name, to, "a service leads to another host, which is not followed");
            Problem::new(&LED_AWAY).detail(format!("The service is \"{name}\".")).inside(format!("it leads to {to}"))
        })?;
        head.headers.insert(LOCATION, led);
        Ok(())
    }

    /// Where the caller goes on to, when it is the same service.
    fn led_back(&self, location: &str) -> Option<HeaderValue> {
        let base: &BaseUrl = &self.service.settings.base;
        let uri = resolved(&self.outgoing.uri, location)?;
        HeaderValue::try_from(format!("{}{}", self.mount, base.below(&uri)?)).ok()
    }
}

impl Held {
    fn new(slot: &Slot, secret: &Secret) -> Result<Self, &'static str> {
        match slot {
            Slot::Field(name, before, behind) => {
                let value = HeaderValue::try_from(format!("{before}{}{behind}", secret.expose()));
                let mut value = value.map_err(|_| "holds a character that no field may have")?;
                value.set_sensitive(true);
                Ok(Self::Field(name.clone(), value))
            }
            Slot::Query(name) => Ok(Self::Query(name.clone(), secret.clone())),
        }
    }

    /// Adds the key to a request, in the place of any of the same name.
    fn add(&self, outgoing: &mut Outgoing) -> Result<(), Box<Problem>> {
        match self {
            Self::Field(name, value) => {
                outgoing.headers.insert(name, value.clone());
                Ok(())
            }
            Self::Query(name, secret) => {
                let uri = with_parameter(&outgoing.uri, name, secret.expose());
                outgoing.uri =
                    uri.ok_or_else(|| Problem::new(&BAD_CALL).detail("The query is no part of an address."))?;
                Ok(())
            }
        }
    }
}
