//! One call of a language model: read, led to its provider, and answered in the words that it was made in.

use std::{sync::Arc, time::Duration};

use http::{HeaderName, StatusCode};
use seawall_core::{clock::Now, problem::Problem, span::Tracer};
use seawall_resilience::{Deadline, Permit};
use seawall_store::hands::Hands;

use super::{
    account::{Account, Begun},
    alert::Webhook,
    back::{Back, given},
    beginning::{self, Part},
    budget::{Budgets, Treasury, unaffordable},
    cache::{Asking, Cache, Found, Shelf},
    config::LlmSettings,
    estimate::Length,
    fields::named,
    meters::Meters,
    operation::{Dialect, Operation, asked},
    price::Prices,
    price_tables::Tables,
    record::{Outcome, Records},
    route::{FALLBACKS, Led, Round, Rounds, Routes, Turn, over, split},
    sketch::Sketch,
    span,
    target::{Directory, Question, Target},
    translate,
};
use crate::{
    caller::Caller,
    endpoint::{Answer, CallError, Outgoing, Surroundings},
    problem::{BAD_CALL, NO_SUCH_OUTBOUND},
    service::{Answered, Call},
};

pub(crate) static PROJECT: HeaderName = HeaderName::from_static("x-seawall-project");
pub(crate) static CONVERSATION: HeaderName = HeaderName::from_static("x-seawall-conversation");

/// All that calls of one configuration go by.
#[derive(Debug)]
pub(crate) struct Gateway {
    directory: Directory,
    routes: Routes,
    budgets: Budgets,
    prices: Arc<Prices>,
    image_timeout: Duration,
    meters: Arc<Meters>,
    cache: Option<Cache>,
}

/// What outlives configurations: where calls are recorded, and what they may cost.
#[derive(Clone, Debug)]
pub(crate) struct Books {
    pub(crate) records: Records,
    pub(crate) treasury: Treasury,
    pub(crate) rounds: Rounds,
    pub(crate) shelf: Shelf,
    pub(crate) tracer: Arc<dyn Tracer>,
    /// Calls that have no row yet.
    pub(crate) hands: Hands,
}

/// Whose call it is, as far as its row says.
struct Whose {
    at: Now,
    caller: Caller,
    project: Option<String>,
    conversation: Option<String>,
    route: Arc<str>,
    prompt: Option<Arc<str>>,
    trace: Option<span::Place>,
}

/// A call that was refused: in the words of its dialect, when that is known.
#[derive(Debug)]
pub(crate) struct Refused(pub(crate) Option<Dialect>, pub(crate) Box<Problem>);

impl Gateway {
    /// The providers and models of these settings. What an earlier one learnt of those that stay is kept.
    pub(crate) fn new(settings: LlmSettings, earlier: Option<&Self>, around: &Surroundings) -> Result<Self, String> {
        let LlmSettings { ceiling, prices_file, providers, models, budgets, routes, most_output, image_timeout, cache } =
            settings;
        let directory = Directory::new(providers, models, earlier.map(|earlier| &earlier.directory), around)?;
        let routes = Routes::new(routes, &directory, earlier.map(|earlier| &earlier.routes))?;
        let configured = directory.configured().collect();
        let meters = Meters::new(Arc::clone(&around.meter), configured, earlier.map(|earlier| &*earlier.meters));
        let tables = prices_file.map(|path| Tables::of_file(&path)).transpose()?.unwrap_or_default();
        let prices = Arc::new(Prices { ceiling, tables });
        let budgets = Budgets { all: budgets, most_output };
        let cache = cache.map(|cache| Cache::new(cache, earlier.and_then(|earlier| earlier.cache.as_ref()), around));
        Ok(Self { directory, routes, budgets, prices, image_timeout, meters: Arc::new(meters), cache })
    }

    /// What models cost.
    pub(crate) fn prices(&self) -> &Prices {
        &self.prices
    }

    /// Who can be asked.
    pub(crate) const fn directory(&self) -> &Directory {
        &self.directory
    }

    /// Whether people outside may call this route.
    pub(crate) fn exposes(&self, route: &str) -> bool {
        self.routes.exposes(route)
    }

    /// Whether the answer of a call by this path is read to its end when whoever asked leaves.
    pub(crate) fn drains(&self, path: &str) -> bool {
        self.routes.drains(split(path).0)
    }

    /// Who is told of a budget, besides the logs.
    pub(crate) fn webhook(&self, budget: &str) -> Option<Webhook> {
        self.budgets.all.iter().find(|known| known.name == budget)?.webhook.clone()
    }

    /// Answers a call. `path` is what follows `/llm`.
    pub(crate) async fn answer(
        &self,
        call: Call,
        path: &str,
        books: &Books,
        around: &Surroundings,
    ) -> Result<Answered, Refused> {
        let at = around.clock.now();
        let Call { mut head, body, caller } = call;
        let [project, conversation] = [&PROJECT, &CONVERSATION].map(|name| named(&mut head.headers, name));
        let (route, path) = split(path);
        let asked = asked(&head.method, path, &head.headers);
        let asked = asked.ok_or_else(|| Refused(None, Problem::new(&NO_SUCH_OUTBOUND).detail(KNOWN_PATHS).into()))?;
        let dialect = asked.dialect;
        let refused = |problem: Box<Problem>| Refused(Some(dialect), problem);
        let route = self.routes.find(route).map_err(refused)?;
        let prompt = route.logged(asked.operation, &body);
        let trace = span::begun(&mut head.headers, &*books.tracer);
        let whose = Whose { at, caller, project, conversation, route: route.label(), prompt, trace };
        let body = route.shortened(asked.operation, body);
        let sketch = (!body.is_empty()).then(|| Sketch::of(&body)).transpose();
        let sketch = sketch.map_err(|wrong| refused(Problem::new(&BAD_CALL).detail(wrong).into()))?;
        let question = Question { asked, sketch, head, body };
        let led = route.lead(&self.directory, &question, &whose.caller).map_err(refused)?;
        self.take_turn(question, &led, &whose, books, around).await.map_err(refused)
    }

    /// Answers a call whose conversation has a round left, or that is in none; one whose rounds are over is answered at once.
    async fn take_turn(
        &self,
        question: Question<'_>,
        led: &Led,
        whose: &Whose,
        books: &Books,
        around: &Surroundings,
    ) -> Result<Answered, Box<Problem>> {
        let (operation, conversation) = (question.asked.operation, whose.conversation.as_deref());
        let mut round = match led.route.turn(operation, conversation, &whose.caller, &books.rounds).await? {
            Turn::Uncounted => None,
            Turn::Round(round) => Some(round),
            Turn::Over => {
                let mut account = self.account(begun(&question, &led.first, whose), books, around);
                account.free(StatusCode::OK.as_u16());
                account.settle(Outcome::Answered, None);
                let response = over::answer(&question, account.request_id(), whose.at.unix_us / 1_000_000);
                return Ok(Answered { response, attempts: 0 });
            }
        };
        let answered = self.kept_or_asked(question, led, &mut round, whose, books, around).await;
        // What brought no answer is no round, before whoever asked can try again.
        if let Some(round) = round {
            round.give_back().await;
        }
        answered
    }

    /// The answer that is kept, or that another call for the same brings, or one's own. A good one takes the round.
    async fn kept_or_asked(
        &self,
        question: Question<'_>,
        led: &Led,
        round: &mut Option<Round>,
        whose: &Whose,
        books: &Books,
        around: &Surroundings,
    ) -> Result<Answered, Box<Problem>> {
        let deadline = Deadline::after(self.time(&question, led));
        // What costs nothing is asked each time.
        let Some(cache) = self.cache.as_ref().filter(|_| question.asked.operation.costs()) else {
            return self.ask(&question, led, round, whose, (books, around), deadline).await;
        };
        let asking = Asking { led, caller: &whose.caller, shelf: &books.shelf, deadline, clock: &around.clock };
        let row = || self.account(begun(&question, &led.first, whose), books, around);
        match cache.find(&question, asking, row).await? {
            Found::Answer(mut answered) => {
                if let Some(round) = round.take() {
                    round.told(answered.response.headers_mut());
                    round.settle(Outcome::Answered, true);
                }
                Ok(answered)
            }
            Found::Nothing(recording) => {
                let question = recording.asked(question);
                let answered = self.ask(&question, led, round, whose, (books, around), deadline).await?;
                Ok(recording.around(answered))
            }
        }
    }

    /// Asks one provider after the other, as its route says, and writes the call's row however it ends. A good answer takes the round.
    async fn ask(
        &self,
        question: &Question<'_>,
        led: &Led,
        round: &mut Option<Round>,
        whose: &Whose,
        (books, around): (&Books, &Surroundings),
        deadline: Deadline,
    ) -> Result<Answered, Box<Problem>> {
        let otherwise = led.route.output(self.budgets.most_output());
        let most_output = question.most_output().or(otherwise);
        let (mut target, mut rest) = (&led.first, led.rest.iter());
        let (mut outgoing, mut back) = self.sent(question, target, otherwise, whose.at)?;
        let mut account = self.account(begun(question, target, whose), books, around);
        match led.route.place(deadline).await {
            Ok(place) => account.takes(place),
            Err(problem) => {
                account.failed(problem.status().as_u16(), 0);
                account.settle(Outcome::Failed, problem.detail.as_deref().map(str::to_owned));
                return Err(problem);
            }
        }
        loop {
            let (ended, place) = self.ask_one(target, &outgoing, most_output, &mut account, deadline, books).await?;
            let last = rest.as_slice().is_empty() || !led.route.falls_back();
            let Part { ended, end, outcome } =
                if last { Part::of(ended) } else { beginning::awaited(ended, target, &mut account, deadline).await };
            let end = end.filter(|end| led.route.goes_on(*end) && !deadline.passed());
            let Some((end, next)) = end.and_then(|end| Some((end, rest.next()?))) else {
                account.takes(place);
                return given(target, ended, account, back, round).await;
            };
            let (from, to, reason) = (&*target.provider.name, &*next.provider.name, end.word());
            tracing::warn!(outbound.name = from, next = to, reason, "a provider gave no answer, and another is asked");
            around.meter.series(&FALLBACKS, &[from, reason]).increment();
            let attempts = ended.as_ref().map_or_else(CallError::attempts, |answer| answer.attempts);
            account.goes_on(begun(question, next, whose), attempts, outcome);
            drop(ended);
            target = next;
            match self.sent(question, target, otherwise, whose.at) {
                Ok(prepared) => (outgoing, back) = prepared,
                Err(problem) => {
                    account.failed(problem.status().as_u16(), 0);
                    account.settle(Outcome::Refused, problem.detail.as_deref().map(str::to_owned));
                    return Err(problem);
                }
            }
        }
    }

    /// Asks one provider, within the budgets and the places of the model, of which the one that is taken comes with the answer.
    async fn ask_one(
        &self,
        target: &Target,
        outgoing: &Outgoing,
        most_output: Option<u64>,
        account: &mut Account,
        deadline: Deadline,
        books: &Books,
    ) -> Result<(Result<Answer, CallError>, Option<Permit>), Box<Problem>> {
        let attempts = target.provider.settings.endpoint.retry.attempts;
        match self.budgets.reserve(account.begun(), most_output, attempts, &self.prices, &books.treasury).await {
            Ok(Some(reservation)) => account.reserve(reservation),
            Ok(None) => {}
            Err(spent) => {
                let problem = unaffordable(&spent, account.begun().at);
                account.failed(problem.status().as_u16(), 0);
                account.settle(Outcome::Refused, Some(spent.to_string()));
                return Err(problem.into());
            }
        }
        let place = match &target.places {
            Some(places) => match places.acquire(deadline).await {
                Ok(place) => Some(place),
                Err(full) => return Ok((Err(full.into()), None)),
            },
            None => None,
        };
        Ok((target.provider.endpoint.call(outgoing, deadline, &account.unheard()).await, place))
    }

    fn account(&self, begun: Begun, books: &Books, around: &Surroundings) -> Account {
        let (prices, meters) = (Arc::clone(&self.prices), Arc::clone(&self.meters));
        Account::open(begun, prices, meters, books, Arc::clone(&around.clock))
    }

    /// A call as its provider gets it, translated where that speaks another dialect; with a length that its answer may have, where it says none.
    fn sent(
        &self,
        question: &Question<'_>,
        target: &Target,
        most_output: Option<u64>,
        at: Now,
    ) -> Result<(Outgoing, Back), Box<Problem>> {
        if !translate::needed(&question.asked, &target.provider.settings) {
            let (outgoing, hides_usage) = target.outgoing(question, most_output)?;
            return Ok((outgoing, Back::AsItCame { hides_usage }));
        }
        let limits = (most_output, self.budgets.most_output);
        let (outgoing, translation) = translate::asking(question, target, limits, at.unix_us / 1_000_000)?;
        Ok((outgoing, Back::Translated(translation)))
    }

    /// How long all attempts of a call may take, whoever is asked.
    fn time(&self, question: &Question<'_>, led: &Led) -> Duration {
        let (whole, of_image) = led.route.times();
        match question.asked.operation {
            Operation::Images => {
                let images = u32::try_from(question.count()).unwrap_or(u32::MAX);
                of_image.unwrap_or(self.image_timeout).saturating_mul(images)
            }
            _ => whole.unwrap_or(led.first.provider.settings.endpoint.clocks.total),
        }
    }
}

/// What is known of a call before its answer.
fn begun(question: &Question<'_>, target: &Target, whose: &Whose) -> Begun {
    let Question { asked, sketch, head, body } = question;
    let request_id = head.headers.get("x-request-id").and_then(|id| id.to_str().ok()).unwrap_or_default().to_owned();
    Begun {
        at: whose.at,
        request_id,
        caller: Arc::clone(&whose.caller.key),
        user: whose.caller.user.clone(),
        project: whose.project.clone(),
        conversation: whose.conversation.clone(),
        route: Arc::clone(&whose.route),
        provider: Arc::clone(&target.provider.name),
        dialect: target.provider.settings.dialect,
        operation: translate::operation(asked, &target.provider.settings),
        model: target.model.clone(),
        price: target.price,
        streamed: asked.streams || sketch.as_ref().is_some_and(|sketch| sketch.streams),
        question: if asked.operation.costs() { Length::of_json(body) } else { Length::default() },
        count: question.count(),
        prompt: whose.prompt.clone(),
        trace: whose.trace,
    }
}

/// What is said of a path that nobody knows.
const KNOWN_PATHS: &str = "Language models are called as /llm/v1/chat/completions, responses, embeddings, images/generations or messages, and as \
    /llm/v1beta/models/MODEL:generateContent and its like.";
