//! One call of a language model: read, led to its provider, and answered in the words that it was made in.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use bytes::Bytes;
use http::{
    HeaderName, HeaderValue, Response, StatusCode,
    header::{ACCEPT_ENCODING, AUTHORIZATION, CONTENT_LENGTH, CONTENT_TYPE, COOKIE, EXPECT, HOST, RETRY_AFTER},
    request,
};
use http_body_util::BodyExt;
use seawall_core::{
    clock::Now,
    http::{hop, own_field},
    problem::Problem,
    resilience::Keyed,
};
use seawall_resilience::Deadline;

use super::{
    account::{Account, Begun},
    budget::{BudgetSettings, Claim, Of, Period, Reservation, Spent, Treasury},
    config::{LlmSettings, ModelSettings, ProviderSettings},
    estimate::Length,
    fields::{cleaned, named, signed, without_key},
    meters::Meters,
    operation::{Asked, Dialect, Operation, asked},
    price::{OwnPrice, Prices},
    record::{Outcome, Records},
    refusal,
    sketch::{Changes, OutputLimit, Sketch},
    stream::Streamed,
    usage::Usage,
    watch::Watch,
    whole::Whole,
};
use crate::{
    body::{Body, whole},
    caller::Caller,
    endpoint::{Answer, CallError, Endpoint, Outgoing, Surroundings},
    problem::{BAD_CALL, BUDGET_SPENT, IMAGE_LATE, LATE, NO_ROOM, NO_SUCH_MODEL, NO_SUCH_OUTBOUND, of},
    service::{Answered, Call},
};

static PROJECT: HeaderName = HeaderName::from_static("x-seawall-project");
static CONVERSATION: HeaderName = HeaderName::from_static("x-seawall-conversation");
static ATTEMPTS: HeaderName = HeaderName::from_static("x-seawall-attempts");
static SERVED_BY: HeaderName = HeaderName::from_static("x-seawall-provider");
static SHOULD_RETRY: HeaderName = HeaderName::from_static("x-should-retry");

/// The providers and models of one configuration.
#[derive(Debug)]
pub(crate) struct Gateway {
    providers: BTreeMap<String, Arc<Provider>>,
    models: BTreeMap<String, ModelSettings>,
    prices: Arc<Prices>,
    budgets: Vec<Arc<BudgetSettings>>,
    /// How long an answer may be, in tokens, whose call does not say, where there is a budget.
    most_output: u64,
    image_timeout: Duration,
    meters: Arc<Meters>,
}

/// What outlives configurations: where calls are recorded, and what they may cost.
#[derive(Clone, Debug)]
pub(crate) struct Books {
    pub(crate) records: Records,
    pub(crate) treasury: Treasury,
}

#[derive(Debug)]
struct Provider {
    settings: ProviderSettings,
    name: Arc<str>,
    endpoint: Endpoint,
}

/// Where a call goes.
struct Chosen {
    provider: Arc<Provider>,
    /// As the provider calls it.
    model: String,
    price: OwnPrice,
}

/// What a call is known to be, before anybody is asked.
struct Known<'a> {
    asked: Asked<'a>,
    sketch: Option<Sketch>,
    chosen: Chosen,
    /// How long the answer may be, in tokens, where the call does not say and something is reserved for it.
    most_output: Option<u64>,
}

/// A call that was refused: in the words of its dialect, when that is known.
#[derive(Debug)]
pub(crate) struct Refused(pub(crate) Option<Dialect>, pub(crate) Box<Problem>);

impl Gateway {
    /// The providers and models of these settings. What an earlier one learnt of those that stay is kept.
    pub(crate) fn new(settings: LlmSettings, earlier: Option<&Self>, around: &Surroundings) -> Result<Self, String> {
        let LlmSettings { ceiling, providers, models, budgets, most_output, image_timeout } = settings;
        let made = providers.into_iter().map(|settings| {
            let known = earlier.and_then(|earlier| earlier.providers.get(&settings.name));
            let known = known.map(|known| &known.endpoint);
            let endpoint = Endpoint::new(&settings.name, settings.endpoint.clone(), known, around);
            let name: Arc<str> = settings.name.as_str().into();
            (settings.name.clone(), Arc::new(Provider { settings, name, endpoint }))
        });
        let providers: BTreeMap<_, _> = made.collect();
        if let Some(model) = models.iter().find(|model| !providers.contains_key(&model.provider)) {
            let ModelSettings { name, provider, .. } = model;
            return Err(format!("[llm.model.{name}] names \"{provider}\", and there is no [llm.provider.{provider}]"));
        }
        let configured = models.iter().map(|model| (model.provider.clone(), model.called.clone())).collect();
        let meters = Meters::new(Arc::clone(&around.meter), configured, earlier.map(|earlier| &*earlier.meters));
        let models = models.into_iter().map(|model| (model.name.clone(), model)).collect();
        let prices = Arc::new(Prices { ceiling });
        Ok(Self { providers, models, prices, budgets, most_output, image_timeout, meters: Arc::new(meters) })
    }

    /// Answers a call. `path` is what follows `/llm`.
    pub(crate) async fn answer(
        &self,
        call: Call,
        path: &str,
        books: &Books,
        around: &Surroundings,
    ) -> Result<Answered, Refused> {
        let begun_at = around.clock.now();
        let Call { mut head, body, caller } = call;
        let asked = asked(&head.method, path, &head.headers);
        let asked = asked.ok_or_else(|| Refused(None, Problem::new(&NO_SUCH_OUTBOUND).detail(KNOWN_PATHS).into()))?;
        let dialect = asked.dialect;
        let refused = |problem: Box<Problem>| Refused(Some(dialect), problem);
        let sketch = (!body.is_empty()).then(|| Sketch::of(&body)).transpose();
        let sketch = sketch.map_err(|wrong| refused(Problem::new(&BAD_CALL).detail(wrong).into()))?;
        let wanted = asked.model.map(str::to_owned).or_else(|| sketch.as_ref().and_then(|sketch| sketch.model.clone()));
        let chosen = self.chosen(dialect, wanted.as_deref()).map_err(refused)?;
        let images = sketch.as_ref().map_or(1, |sketch| sketch.count).min(u64::from(u32::MAX));
        let limit = match asked.operation {
            Operation::Images => self.image_timeout.saturating_mul(u32::try_from(images).unwrap_or(u32::MAX)),
            _ => chosen.provider.settings.endpoint.clocks.total,
        };
        let deadline = Deadline::after(limit);
        let named = [&PROJECT, &CONVERSATION].map(|name| named(&mut head.headers, name));
        let most_output = (!self.budgets.is_empty()).then_some(self.most_output);
        let known = Known { asked, sketch, chosen, most_output };
        let begun = known.begun(begun_at, &head, &caller, named, &body);
        let (outgoing, hides_usage) = known.outgoing(head, &body).map_err(refused)?;
        let (prices, meters) = (Arc::clone(&self.prices), Arc::clone(&self.meters));
        let clock = Arc::clone(&around.clock);
        let reserved = self.reserved(&begun, &known, &books.treasury).await;
        let mut account = Account::open(begun, prices, meters, books.records.clone(), clock);
        match reserved {
            Ok(Some(reservation)) => account.reserve(reservation),
            Ok(None) => {}
            Err(spent) => {
                let problem = unaffordable(&spent, around.clock.now());
                account.failed(problem.status().as_u16(), 0, false);
                account.settle(Outcome::Refused, Some(spent.to_string()));
                return Err(refused(problem.into()));
            }
        }
        let provider = Arc::clone(&known.chosen.provider);
        account.asking();
        let answer = provider.endpoint.call(&outgoing, deadline).await;
        match answer {
            Ok(answer) => passed_on(&provider, answer, account, hides_usage).map_err(refused),
            Err(error) => {
                let mut problem = of(&error, &provider.name);
                if account.operation() == Operation::Images && problem.kind.slug == LATE.slug {
                    problem.kind = &IMAGE_LATE;
                }
                let (attempts, sent) = attempts_of(&error);
                account.failed(problem.status().as_u16(), attempts, sent);
                account.settle(Outcome::Failed, Some(error.to_string()));
                tracing::warn!(outbound.name = &*provider.name, %error, "a provider gave no answer");
                Err(refused(problem.header(SHOULD_RETRY.clone(), HeaderValue::from_static("false")).into()))
            }
        }
    }

    /// Reserves what a call can cost at most, in every budget that it is in.
    async fn reserved(
        &self,
        begun: &Begun,
        known: &Known<'_>,
        treasury: &Treasury,
    ) -> Result<Option<Reservation>, Spent> {
        if self.budgets.is_empty() || !begun.operation.costs() {
            return Ok(None);
        }
        let now_us = treasury.now_us();
        let claims = self.budgets.iter().map(|budget| Claim {
            subject: subject(budget.of, begun),
            period: Period::at(now_us, budget.per, &budget.zone),
            budget: Arc::clone(budget),
        });
        let answers =
            if matches!(begun.operation, Operation::Embeddings | Operation::Images) { 0 } else { begun.count };
        let images = if begun.operation == Operation::Images { begun.count } else { 0 };
        let asked = known.sketch.as_ref().and_then(|sketch| sketch.most_output);
        let most = Usage {
            input: begun.question.most_tokens(),
            output: asked.unwrap_or(self.most_output).saturating_mul(answers),
            images,
            ..Usage::default()
        };
        let cost = self.prices.cost(begun.dialect, &begun.model, begun.price, &most);
        treasury.reserve(&claims.collect::<Vec<_>>(), cost.money).await.map(Some)
    }

    /// Who has the model that a call names.
    fn chosen(&self, dialect: Dialect, model: Option<&str>) -> Result<Chosen, Box<Problem>> {
        if let Some(settings) = model.and_then(|model| self.models.get(model)) {
            let provider =
                self.providers.get(&settings.provider).filter(|provider| provider.settings.dialect == dialect);
            let other = || {
                let detail = format!("\"{}\" is not to be had in the words of {}.", settings.name, dialect.word());
                Problem::new(&NO_SUCH_MODEL).detail(detail)
            };
            let provider = Arc::clone(provider.ok_or_else(other)?);
            return Ok(Chosen { provider, model: settings.called.clone(), price: settings.price });
        }
        let speaking = || self.providers.values().filter(|provider| provider.settings.dialect == dialect);
        // `PROVIDER/MODEL`, where there is such a provider; a model's own name may hold a slash as well.
        let prefixed = model.and_then(|model| {
            let (name, rest) = model.split_once('/')?;
            Some((speaking().find(|provider| *provider.name == *name)?, rest))
        });
        let (provider, model) = match prefixed {
            Some((provider, rest)) => (provider, rest),
            None => {
                let mut speaking = speaking();
                let nobody = || {
                    let detail = format!("No [llm.provider.NAME] speaks the words of {}.", dialect.word());
                    Problem::new(&NO_SUCH_MODEL).detail(detail)
                };
                let first = speaking.next().ok_or_else(nobody)?;
                if speaking.next().is_some() {
                    let detail = "Several providers speak these words; name one, as in \"PROVIDER/MODEL\", or make an [llm.model.NAME].";
                    return Err(Problem::new(&NO_SUCH_MODEL).detail(detail).into());
                }
                (first, model.unwrap_or_default())
            }
        };
        Ok(Chosen { provider: Arc::clone(provider), model: model.to_owned(), price: OwnPrice::default() })
    }
}

/// A provider's answer, as the application gets it.
fn passed_on(
    provider: &Provider,
    answer: Answer,
    mut account: Account,
    hides_usage: bool,
) -> Result<Answered, Box<Problem>> {
    let Answer { mut head, body, attempts } = answer;
    account.answered(head.status.as_u16(), attempts);
    cleaned(&mut head)?;
    head.headers.insert(&ATTEMPTS, HeaderValue::from(attempts));
    if let Ok(name) = HeaderValue::from_str(&provider.name) {
        head.headers.insert(&SERVED_BY, name);
    }
    let good = head.status.is_success();
    if !good && attempts >= provider.settings.endpoint.retry.attempts {
        // A client that tried again too would make nine attempts of three.
        head.headers.insert(&SHOULD_RETRY, HeaderValue::from_static("false"));
    }
    let events = |kind: &HeaderValue| kind.as_bytes().starts_with(b"text/event-stream");
    let body = if good && head.headers.get(CONTENT_TYPE).is_some_and(events) {
        head.headers.remove(CONTENT_LENGTH);
        let watch = Watch::new(account.dialect(), account.operation(), hides_usage);
        Streamed::new(body, watch, account).boxed_unsync()
    } else {
        Whole::new(body, good, account).boxed_unsync()
    };
    Ok(Answered { response: Response::from_parts(head, body), attempts })
}

/// What is said of a path that nobody knows.
const KNOWN_PATHS: &str = "Language models are called as /llm/v1/chat/completions, responses, embeddings, images/generations or messages, and as \
    /llm/v1beta/models/MODEL:generateContent and its like.";

impl Known<'_> {
    fn begun(
        &self,
        at: Now,
        head: &request::Parts,
        caller: &Caller,
        [project, conversation]: [Option<String>; 2],
        body: &[u8],
    ) -> Begun {
        let request_id =
            head.headers.get("x-request-id").and_then(|id| id.to_str().ok()).unwrap_or_default().to_owned();
        let sketch = self.sketch.as_ref();
        Begun {
            at,
            request_id,
            caller: Arc::clone(&caller.key),
            user: caller.user.clone(),
            project,
            conversation,
            provider: Arc::clone(&self.chosen.provider.name),
            dialect: self.asked.dialect,
            operation: self.asked.operation,
            model: self.chosen.model.clone(),
            price: self.chosen.price,
            streamed: self.asked.streams || sketch.is_some_and(|sketch| sketch.streams),
            question: if self.asked.operation.costs() { Length::of_json(body) } else { Length::default() },
            count: sketch.map_or(1, |sketch| sketch.count),
        }
    }

    /// Where the call would say how long its answer may be; nothing where answers have no length.
    fn output_limit(&self) -> Option<OutputLimit> {
        match self.asked.operation {
            // OpenAI's own models want the one name, and many servers of its dialect know only the other.
            Operation::Chat if self.chosen.provider.settings.base.is_host("api.openai.com") => {
                Some(OutputLimit::Member("max_completion_tokens"))
            }
            Operation::Chat | Operation::Messages => Some(OutputLimit::Member("max_tokens")),
            Operation::Responses => Some(OutputLimit::Member("max_output_tokens")),
            Operation::Generate => Some(OutputLimit::OfGemini),
            Operation::Embeddings | Operation::Images | Operation::CountTokens | Operation::Models => None,
        }
    }

    /// The request as the provider gets it, and whether its usage was asked for on the caller's behalf.
    fn outgoing(&self, head: request::Parts, body: &Bytes) -> Result<(Outgoing, bool), Box<Problem>> {
        let request::Parts { method, uri, mut headers, .. } = head;
        let Self { asked, sketch, chosen, .. } = self;
        hop::strip(&mut headers).map_err(|fault| Problem::new(&BAD_CALL).detail(fault.to_string()))?;
        let own: Vec<_> = headers.keys().filter(|name| own_field(name)).cloned().collect();
        for field in own.iter().chain(&[HOST, CONTENT_LENGTH, COOKIE, EXPECT, AUTHORIZATION]) {
            headers.remove(field);
        }
        // What is compressed cannot be looked at on its way.
        headers.insert(ACCEPT_ENCODING, HeaderValue::from_static("identity"));
        signed(&mut headers, &chosen.provider.settings)?;
        let path = match asked.model {
            Some(model) if model != chosen.model => asked.path.replacen(model, &chosen.model, 1),
            _ => asked.path.to_owned(),
        };
        let query = uri.query().map(without_key).filter(|query| !query.is_empty());
        let uri = chosen.provider.settings.base.join(&path, query.as_deref());
        let uri = uri.ok_or_else(|| Problem::new(&BAD_CALL).detail("The model's name is no part of an address."))?;
        let hides_usage = sketch.as_ref().is_some_and(|sketch| sketch.lacks_usage(asked.dialect, asked.operation));
        let body = match sketch {
            Some(sketch) => {
                let most_output = self.most_output.filter(|_| sketch.most_output.is_none());
                let most_output = most_output.and_then(|most| Some((self.output_limit()?, most)));
                let changes = Changes { model: &chosen.model, ask_for_usage: hides_usage, most_output };
                sketch.written(body, &changes)
            }
            None => body.clone(),
        };
        // An image is here as a whole or not at all, so its head takes as long as it does.
        let patient = asked.operation == Operation::Images;
        Ok((Outgoing { method, uri, headers, body, keyed: Keyed::Yes, patient }, hides_usage))
    }
}

/// On whom a call counts in a budget.
fn subject(of: Of, begun: &Begun) -> String {
    let named = |name: Option<&str>| name.unwrap_or_default().to_owned();
    match of {
        Of::All => String::new(),
        Of::User => named(begun.user.as_deref()),
        Of::Project => named(begun.project.as_deref()),
        Of::Caller => begun.caller.to_string(),
        Of::Model => begun.model.clone(),
        Of::Provider => begun.provider.to_string(),
    }
}

/// What is answered where nothing can be reserved.
fn unaffordable(spent: &Spent, now: Now) -> Problem {
    match spent {
        Spent::Spent { claim, left } => {
            let Claim { budget, period, .. } = &**claim;
            let ends_us = u64::try_from(period.ends_at_us).unwrap_or(u64::MAX);
            let end =
                jiff::Timestamp::from_microsecond(period.ends_at_us).map(|end| end.to_string()).unwrap_or_default();
            let detail = format!(
                "Of the {} dollars of the budget \"{}\", {left} are left, and the call may cost more. It begins anew at {end}.",
                budget.amount, budget.name
            );
            Problem::new(&BUDGET_SPENT)
                .detail(detail)
                .retry_after(ends_us.saturating_sub(now.unix_us).div_ceil(1_000_000))
        }
        Spent::Store(error) => Problem::new(&NO_ROOM).retry_after(1).inside(error.to_string()),
    }
}

/// How many attempts were made, and whether the provider may have had one.
const fn attempts_of(error: &CallError) -> (u32, bool) {
    match error {
        CallError::Open(_) | CallError::Full(_) => (0, false),
        CallError::Failed { attempts, sent, .. } => (*attempts, *sent),
        CallError::TimedOut { attempts } => (*attempts, true),
    }
}

/// A refusal as its caller understands it.
pub(crate) fn rendered(dialect: Dialect, problem: &Problem, request_id: &str) -> Response<Body> {
    let body = refusal::body(dialect, problem, request_id).to_string();
    let mut response = Response::new(whole(body.into()));
    *response.status_mut() = problem.status();
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    if let Some(seconds) = problem.retry_after {
        headers.insert(RETRY_AFTER, HeaderValue::from(seconds));
    }
    for (name, value) in &problem.headers {
        headers.insert(name, value.clone());
    }
    // What will not help is not to be tried again; what may, the client decides on by the status.
    if !problem.kind.retryable && problem.status() != StatusCode::UNAUTHORIZED {
        headers.insert(&SHOULD_RETRY, HeaderValue::from_static("false"));
    }
    response
}
