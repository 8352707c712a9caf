//! What a call used and cost, settled once however it ends.

use std::sync::Arc;

use seawall_core::{
    clock::{Clock, Now},
    span::Tracer,
};
use seawall_resilience::Permit;
use seawall_store::hands::InHands;

use super::{
    budget::Reservation,
    estimate::Length,
    gateway::Books,
    heard::Heard,
    meters::{ChunkMeters, Meters},
    money::Money,
    operation::{Dialect, Operation},
    price::{Cost, OwnPrice, Prices},
    record::{Outcome, Record, Records},
    route::Round,
    span::{self, Ended},
    transcript,
    usage::Usage,
};
use crate::unheard::Unheard;

/// What is known of a call before its answer.
#[derive(Clone, Debug)]
pub(crate) struct Begun {
    pub(crate) at: Now,
    pub(crate) request_id: String,
    pub(crate) caller: Arc<str>,
    pub(crate) user: Option<Arc<str>>,
    pub(crate) project: Option<String>,
    pub(crate) conversation: Option<String>,
    /// `default` where the call names none.
    pub(crate) route: Arc<str>,
    pub(crate) provider: Arc<str>,
    pub(crate) dialect: Dialect,
    pub(crate) operation: Operation,
    /// As the provider calls it.
    pub(crate) model: String,
    pub(crate) price: OwnPrice,
    pub(crate) streamed: bool,
    /// About how long the question is.
    pub(crate) question: Length,
    /// How many answers or images are asked for.
    pub(crate) count: u64,
    /// The question as it may be logged, where its route logs prompts.
    pub(crate) prompt: Option<Arc<str>>,
    /// Its place in a trace, where that is sampled.
    pub(crate) trace: Option<span::Place>,
}

impl Begun {
    /// How many images were asked for.
    pub(crate) const fn images(&self) -> u64 {
        if matches!(self.operation, Operation::Images) { self.count } else { 0 }
    }

    /// What an attempt is counted as that the provider may have carried out and that was never answered: its question, about, and the images
    /// that may have been made. Nothing came of its answer.
    pub(crate) fn unheard(&self) -> Usage {
        Usage { input: self.question.tokens(), images: self.images(), ..Usage::default() }
    }
}

/// The events of a streamed answer that went on.
#[derive(Debug, Default)]
struct Chunks {
    passed: u64,
    last: Option<(Now, ChunkMeters)>,
}

/// A call whose row is to be written. Dropped without a word, the application left.
#[derive(Debug)]
pub(crate) struct Account {
    begun: Begun,
    prices: Arc<Prices>,
    records: Records,
    tracer: Arc<dyn Tracer>,
    meters: Arc<Meters>,
    clock: Arc<dyn Clock>,
    first_token: Option<Now>,
    chunks: Chunks,
    status: u16,
    attempts: u32,
    usage: Option<Usage>,
    answer: Length,
    settled: bool,
    /// Whether an answer began.
    heard: bool,
    /// What it says, where anybody wants to know.
    ear: Option<Heard>,
    unheard: Unheard,
    reserved: Option<Reservation>,
    /// What came of those that were asked before, and gave no answer.
    before: Before,
    /// The round of a conversation that it is.
    round: Option<Round>,
    /// Places that it takes until it ends.
    places: Vec<Permit>,
    /// Until its row is on its way.
    _in_hands: InHands,
}

/// Attempts and cost of those that were asked first.
#[derive(Clone, Copy, Debug, Default)]
struct Before {
    attempts: u32,
    usage: Usage,
    cost: Money,
    /// Whether a price had to be guessed.
    unknown: bool,
}

impl Account {
    pub(crate) fn open(
        begun: Begun,
        prices: Arc<Prices>,
        meters: Arc<Meters>,
        books: &Books,
        clock: Arc<dyn Clock>,
    ) -> Self {
        let most_text = if begun.prompt.is_some() { transcript::MOST } else { 0 };
        let ear = (begun.prompt.is_some() || begun.trace.is_some()).then(|| Heard::new(most_text));
        Self {
            begun,
            prices,
            records: books.records.clone(),
            tracer: Arc::clone(&books.tracer),
            meters,
            clock,
            first_token: None,
            chunks: Chunks::default(),
            status: 0,
            attempts: 0,
            usage: None,
            answer: Length::default(),
            settled: false,
            heard: false,
            ear,
            unheard: Unheard::default(),
            reserved: None,
            before: Before::default(),
            round: None,
            places: Vec::new(),
            _in_hands: books.hands.take(),
        }
    }

    /// What is known of the call before its answer.
    pub(crate) const fn begun(&self) -> &Begun {
        &self.begun
    }

    /// It is this round of a conversation, to be settled with it.
    pub(crate) fn in_round(&mut self, round: Round) {
        self.round = Some(round);
    }

    /// It takes this place until it ends.
    pub(crate) fn takes(&mut self, place: Option<Permit>) {
        self.places.extend(place);
    }

    /// Attempts to ask others before.
    pub(crate) const fn attempts_before(&self) -> u32 {
        self.before.attempts
    }

    /// Whoever was asked gave no answer, after so many attempts, and ended so; another is asked, of whom `begun` tells. What the first may have
    /// carried out is settled.
    pub(crate) fn goes_on(&mut self, begun: Begun, attempts: u32, outcome: Outcome) {
        let (usage, cost, _) = self.spent(outcome);
        if let Some(reserved) = self.reserved.take() {
            reserved.settle(cost.money);
        }
        let before = self.before;
        self.before = Before {
            attempts: before.attempts.saturating_add(attempts),
            usage: before.usage.plus(usage),
            cost: before.cost.plus(cost.money),
            unknown: before.unknown || !cost.known && cost.money.nanos() > 0,
        };
        self.unheard = Unheard::default();
        // What was heard of the first is none of the other's.
        (self.heard, self.usage, self.answer, self.first_token) = (false, None, Length::default(), None);
        self.failed(0, 0);
        if let Some(ear) = &mut self.ear {
            ear.forget();
        }
        self.begun = begun;
    }

    /// What is reserved for the call, to be settled with it.
    pub(crate) fn reserve(&mut self, reservation: Reservation) {
        self.reserved = Some(reservation);
    }

    pub(crate) const fn dialect(&self) -> Dialect {
        self.begun.dialect
    }

    pub(crate) const fn operation(&self) -> Operation {
        self.begun.operation
    }

    /// How many images were asked for.
    pub(crate) const fn images(&self) -> u64 {
        self.begun.images()
    }

    pub(crate) fn request_id(&self) -> &str {
        &self.begun.request_id
    }

    /// The provider answered with this status, after so many attempts.
    pub(crate) const fn answered(&mut self, status: u16, attempts: u32) {
        self.failed(status, attempts);
        self.heard = true;
    }

    /// So many attempts brought nothing, which the caller is told by this status.
    pub(crate) const fn failed(&mut self, status: u16, attempts: u32) {
        self.status = status;
        self.attempts = attempts;
    }

    /// The caller is told by this status.
    pub(crate) const fn told(&mut self, status: u16) {
        self.status = status;
    }

    /// It was answered with this status, and nobody was asked.
    pub(crate) const fn free(&mut self, status: u16) {
        self.failed(status, 0);
    }

    /// Where is counted which attempts were never answered.
    pub(crate) fn unheard(&self) -> Unheard {
        self.unheard.clone()
    }

    /// The first part of the answer is here.
    pub(crate) fn first_part(&mut self) {
        if self.first_token.is_none() {
            self.first_token = Some(self.clock.now());
        }
    }

    /// So many events of the answer went on by now; those that came together are counted as one after the other, without time between.
    pub(crate) fn passed(&mut self, events: u64) {
        let fresh = events.saturating_sub(self.chunks.passed);
        if fresh == 0 {
            return;
        }
        self.chunks.passed = events;
        let now = self.clock.now();
        let begun = &self.begun;
        let meters = match self.chunks.last.take() {
            Some((last, meters)) => {
                meters.each.observe(now.since_us(last));
                meters
            }
            None => {
                let meters = self.meters.chunks(&begun.provider, &begun.model, begun.operation);
                meters.first.observe(now.since_us(begun.at));
                meters
            }
        };
        (1..fresh).for_each(|_| meters.each.observe(0));
        self.chunks.last = Some((now, meters));
    }

    /// Has no row: the call has another account.
    pub(crate) fn forget(mut self) {
        self.settled = true;
    }

    /// The data of an event of the answer, or all of it, is here.
    pub(crate) fn hear(&mut self, data: &[u8]) {
        if let Some(ear) = &mut self.ear {
            ear.take(data);
        }
    }

    /// What is known of the answer by now.
    pub(crate) const fn learnt(&mut self, usage: Option<Usage>, answer: Length) {
        self.usage = usage;
        self.answer = answer;
    }

    /// Settles, and hands the row to whoever writes it.
    pub(crate) fn settle(&mut self, outcome: Outcome, error: Option<String>) {
        if std::mem::replace(&mut self.settled, true) {
            return;
        }
        let now = self.clock.now();
        let (usage, mut cost, estimated) = self.spent(outcome);
        let begun = &self.begun;
        if !cost.known && cost.money.nanos() > 0 {
            tracing::warn!(model = begun.model, cost = %cost.money, "nobody knows what this model costs, so the ceiling is taken");
        }
        if let Some(reserved) = self.reserved.take() {
            if cost.money > reserved.amount() {
                tracing::error!(model = begun.model, cost = %cost.money, reserved = %reserved.amount(), "a call cost more than it could");
            }
            reserved.settle(cost.money);
        }
        let Before { usage: used_before, cost: cost_before, unknown, .. } = self.before;
        let usage = usage.plus(used_before);
        cost = Cost { money: cost.money.plus(cost_before), known: cost.known && !unknown };
        let estimated = estimated || cost_before.nanos() > 0;
        let attempts = self.attempts.saturating_add(self.before.attempts);
        if let Some(round) = self.round.take() {
            round.settle(outcome, self.first_token.is_some());
        }
        let duration_us = now.since_us(begun.at);
        let (status, heard) = (self.status, self.ear.as_ref());
        self.tell(&Ended { outcome, status, attempts, usage, heard, duration_us });
        let meters = self.meters.call(&begun.provider, &begun.model, begun.operation, (outcome, self.status));
        meters.duration.observe(duration_us);
        meters.cost.observe(cost.money.nanos());
        meters.retries.add(i64::from(attempts.saturating_sub(1)));
        for (meter, tokens) in [(&meters.input, usage.input), (&meters.output, usage.output)] {
            if tokens > 0 {
                meter.observe(tokens);
            }
        }
        self.records.take(Record {
            made_at_us: begun.at.unix_us,
            request_id: begun.request_id.clone(),
            caller: Arc::clone(&begun.caller),
            user: begun.user.clone(),
            project: begun.project.clone(),
            conversation: begun.conversation.clone(),
            route: Arc::clone(&begun.route),
            provider: Arc::clone(&begun.provider),
            model: begun.model.clone(),
            operation: begun.operation.word(),
            streamed: begun.streamed,
            outcome,
            status: self.status,
            error,
            attempts,
            usage,
            estimated,
            cost,
            duration_us,
            first_token_us: self.first_token.map(|first| first.since_us(begun.at)),
        });
    }

    /// Tells the log and the trace, where its route or its caller wants that.
    fn tell(&self, ended: &Ended<'_>) {
        let begun = &self.begun;
        if let (Some(question), Some(heard)) = (&begun.prompt, ended.heard) {
            transcript::log(begun, question, heard, ended.outcome, ended.status);
        }
        if let Some(trace) = begun.trace {
            self.tracer.finished(span::span(begun, trace, ended));
        }
    }

    /// What all attempts used and cost together, and whether that is an estimate.
    fn spent(&self, outcome: Outcome) -> (Usage, Cost, bool) {
        let begun = &self.begun;
        let priced = |usage: &Usage| self.prices.cost(begun.dialect, &begun.model, begun.price, usage);
        let (usage, estimated) = self.of_answer(outcome);
        let cost = priced(&usage);
        let unheard = if begun.operation.costs() { u64::from(self.unheard.count()) } else { 0 };
        if unheard == 0 {
            return (usage, cost, estimated);
        }
        // Each is priced by itself: what a model takes for longer questions is not due for several short ones.
        let each = begun.unheard();
        let Cost { money, known } = priced(&each);
        let cost = Cost { money: cost.money.plus(money.times(unheard)), known: cost.known && known };
        (usage.plus(each.of_questions(unheard)), cost, true)
    }

    /// What the attempt used that was answered, and whether that is an estimate. What the provider says counts, unless the stream was cut
    /// before it said all.
    fn of_answer(&self, outcome: Outcome) -> (Usage, bool) {
        if !self.begun.operation.costs() || !self.heard {
            return (Usage::default(), false);
        }
        // Whoever is refused pays nothing.
        if outcome == Outcome::Refused && self.answer == Length::default() {
            return (self.usage.unwrap_or_default(), false);
        }
        match self.usage {
            Some(usage) if outcome == Outcome::Answered => (usage, false),
            known => {
                let guessed = Usage { output: self.answer.tokens(), ..self.begun.unheard() };
                let usage = match known {
                    Some(known) => Usage { output: known.output.max(guessed.output), ..known },
                    None => guessed,
                };
                (usage, true)
            }
        }
    }
}

impl Drop for Account {
    fn drop(&mut self) {
        self.settle(Outcome::Left, None);
    }
}
