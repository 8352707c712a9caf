//! What a call used and cost, settled once however it ends.

use std::sync::Arc;

use seawall_core::clock::{Clock, Now};

use super::{
    budget::Reservation,
    estimate::Length,
    meters::{ChunkMeters, Meters},
    operation::{Dialect, Operation},
    price::{OwnPrice, Prices},
    record::{Outcome, Record, Records},
    usage::Usage,
};

/// What is known of a call before its answer.
#[derive(Clone, Debug)]
pub(crate) struct Begun {
    pub(crate) at: Now,
    pub(crate) request_id: String,
    pub(crate) caller: Arc<str>,
    pub(crate) user: Option<Arc<str>>,
    pub(crate) project: Option<String>,
    pub(crate) conversation: Option<String>,
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
    meters: Arc<Meters>,
    clock: Arc<dyn Clock>,
    first_token: Option<Now>,
    chunks: Chunks,
    status: u16,
    attempts: u32,
    usage: Option<Usage>,
    answer: Length,
    settled: bool,
    /// Whether the provider may have had the call.
    sent: bool,
    reserved: Option<Reservation>,
}

impl Account {
    pub(crate) fn open(
        begun: Begun,
        prices: Arc<Prices>,
        meters: Arc<Meters>,
        records: Records,
        clock: Arc<dyn Clock>,
    ) -> Self {
        Self {
            begun,
            prices,
            records,
            meters,
            clock,
            first_token: None,
            chunks: Chunks::default(),
            status: 0,
            attempts: 0,
            usage: None,
            answer: Length::default(),
            settled: false,
            sent: false,
            reserved: None,
        }
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
        if matches!(self.begun.operation, Operation::Images) { self.begun.count } else { 0 }
    }

    pub(crate) fn request_id(&self) -> &str {
        &self.begun.request_id
    }

    /// The provider answered with this status, after so many attempts.
    pub(crate) const fn answered(&mut self, status: u16, attempts: u32) {
        self.status = status;
        self.attempts = attempts;
    }

    /// So many attempts brought nothing, which the caller is told by this status.
    pub(crate) const fn failed(&mut self, status: u16, attempts: u32, sent: bool) {
        self.answered(status, attempts);
        self.sent = sent;
    }

    /// The provider is asked from here on.
    pub(crate) const fn asking(&mut self) {
        self.sent = true;
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
        let (usage, estimated) = self.used(outcome);
        let begun = &self.begun;
        let cost = self.prices.cost(begun.dialect, &begun.model, begun.price, &usage);
        if !cost.known && cost.money.nanos() > 0 {
            tracing::warn!(model = begun.model, cost = %cost.money, "nobody knows what this model costs, so the ceiling is taken");
        }
        if let Some(reserved) = self.reserved.take() {
            if cost.money > reserved.amount() {
                tracing::error!(model = begun.model, cost = %cost.money, reserved = %reserved.amount(), "a call cost more than it could");
            }
            reserved.settle(cost.money);
        }
        let duration_us = now.since_us(begun.at);
        let meters = self.meters.call(&begun.provider, &begun.model, begun.operation, (outcome, self.status));
        meters.duration.observe(duration_us);
        meters.cost.observe(cost.money.nanos());
        meters.retries.add(i64::from(self.attempts.saturating_sub(1)));
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
            provider: Arc::clone(&begun.provider),
            model: begun.model.clone(),
            operation: begun.operation.word(),
            streamed: begun.streamed,
            outcome,
            status: self.status,
            error,
            attempts: self.attempts,
            usage,
            estimated,
            cost,
            duration_us,
            first_token_us: self.first_token.map(|first| first.since_us(begun.at)),
        });
    }

    /// What was used, and whether that is an estimate. What the provider says counts, unless the stream was cut before it said all.
    fn used(&self, outcome: Outcome) -> (Usage, bool) {
        if !self.begun.operation.costs() {
            return (Usage::default(), false);
        }
        // Whoever is refused pays nothing; nothing was sent when there was no attempt.
        if outcome == Outcome::Refused && self.answer == Length::default() || !self.sent {
            return (self.usage.unwrap_or_default(), false);
        }
        match self.usage {
            Some(usage) if outcome == Outcome::Answered => (usage, false),
            known => {
                let guessed = Usage {
                    input: self.begun.question.tokens(),
                    output: self.answer.tokens(),
                    images: self.images(),
                    ..Usage::default()
                };
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
