//! What calls of language models are counted by: OpenTelemetry's names of generative AI, and our own where it has none.
//!
//! Source: OpenTelemetry semantic conventions for generative AI, client metrics; dots are underscores here, and units are at the end.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex, PoisonError},
};

use seawall_core::meter::{Handle, Meter, Metric, MetricKind};

use super::{operation::Operation, record::Outcome};

/// Models beyond those of the configuration that are counted by name; what is called beyond them is [`OTHER`].
pub(crate) const MOST_OTHERS: usize = 64;

/// The longest name of a model that is not in the configuration, in bytes; a longer one is [`OTHER`].
const LONGEST_NAME: usize = 100;

/// All models together that have no name of their own.
pub(crate) const OTHER: &str = "other";

/// How times are counted, as the conventions ask for: from 10 ms, each bound twice the one before.
const TIME: MetricKind = MetricKind::Histogram {
    bounds: &[
        10_000, 20_000, 40_000, 80_000, 160_000, 320_000, 640_000, 1_280_000, 2_560_000, 5_120_000, 10_240_000,
        20_480_000, 40_960_000, 81_920_000,
    ],
    scale: 1_000_000,
};

// Each metric's labels begin with these, named as the conventions' attributes.
const PROVIDER: &str = "gen_ai_provider_name";
const MODEL: &str = "gen_ai_request_model";
const OPERATION: &str = "gen_ai_operation_name";

const PER_CALL: &[&str] = &[PROVIDER, MODEL, OPERATION, "outcome"];
const PER_CHUNK: &[&str] = &[PROVIDER, MODEL, OPERATION];

/// Tokens.
pub(crate) static TOKENS: Metric = Metric {
    name: "gen_ai_client_token_usage",
    help: "Tokens of a call of a language model, by type: of the question (input) and of the answer (output); calls that used none are not counted.",
    kind: MetricKind::Histogram {
        bounds: &[
            1, 4, 16, 64, 256, 1_024, 4_096, 16_384, 65_536, 262_144, 1_048_576, 4_194_304, 16_777_216, 67_108_864,
        ],
        scale: 1,
    },
    labels: &[PROVIDER, MODEL, OPERATION, "outcome", "gen_ai_token_type"],
};

/// Time of calls.
pub(crate) static DURATION: Metric = Metric {
    name: "gen_ai_client_operation_duration_seconds",
    help: "Time of a call of a language model, with all its attempts, up to the last byte of the answer. Its count is that of calls.",
    kind: TIME,
    labels: PER_CALL,
};

/// Time to the first event of streams.
pub(crate) static FIRST_CHUNK: Metric = Metric {
    name: "gen_ai_client_operation_time_to_first_chunk_seconds",
    help: "Time from a streamed call of a language model to the first event of its answer.",
    kind: TIME,
    labels: PER_CHUNK,
};

/// Time between events of streams.
pub(crate) static EACH_CHUNK: Metric = Metric {
    name: "gen_ai_client_operation_time_per_output_chunk_seconds",
    help: "Time between an event of a streamed answer of a language model and the one before.",
    kind: TIME,
    labels: PER_CHUNK,
};

/// Cost.
pub(crate) static COST: Metric = Metric {
    name: "seawall_llm_cost_nanodollars",
    help: "What calls of language models cost, in billionths of a dollar, estimates and the ceiling for unknown prices included.",
    kind: MetricKind::Counter,
    labels: PER_CALL,
};

/// Attempts after the first.
pub(crate) static RETRIES: Metric = Metric {
    name: "seawall_llm_retries",
    help: "Attempts of calls of language models after the first.",
    kind: MetricKind::Counter,
    labels: PER_CALL,
};

/// What is counted when a call has ended.
#[derive(Clone, Debug)]
pub(crate) struct CallMeters {
    pub(crate) input: Handle,
    pub(crate) output: Handle,
    pub(crate) duration: Handle,
    pub(crate) cost: Handle,
    pub(crate) retries: Handle,
}

/// What is counted while an answer streams.
#[derive(Clone, Debug)]
pub(crate) struct ChunkMeters {
    pub(crate) first: Handle,
    pub(crate) each: Handle,
}

/// The series of all models, each looked up in the registry once.
#[derive(Debug)]
pub(crate) struct Meters {
    meter: Arc<dyn Meter>,
    /// Provider and model of each entry of the configuration.
    configured: BTreeSet<(String, String)>,
    kept: Arc<Mutex<Kept>>,
}

/// Provider, label of the model and operation.
type Named = (Arc<str>, Arc<str>, &'static str);

#[derive(Debug, Default)]
struct Kept {
    // Invariant: at most MOST_OTHERS.
    others: BTreeSet<(String, String)>,
    // Bounded, as each part of their keys is.
    calls: BTreeMap<(Named, &'static str), CallMeters>,
    chunks: BTreeMap<Named, ChunkMeters>,
}

impl Meters {
    /// Counts models of the configuration by name. What earlier ones gave a name to keeps it.
    pub(crate) fn new(meter: Arc<dyn Meter>, configured: BTreeSet<(String, String)>, earlier: Option<&Self>) -> Self {
        let kept = earlier.map(|earlier| Arc::clone(&earlier.kept)).unwrap_or_default();
        Self { meter, configured, kept }
    }

    /// What counts a call that ended so, with this status.
    pub(crate) fn call(
        &self,
        provider: &Arc<str>,
        model: &str,
        operation: Operation,
        (outcome, status): (Outcome, u16),
    ) -> CallMeters {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        // A name that its provider may not even know is none to keep; one of which there were too many calls is known.
        let unknown = outcome == Outcome::Refused && (400..500).contains(&status) && status != 429;
        let model = self.label(&mut kept, provider, model, !unknown);
        let key = ((Arc::clone(provider), Arc::clone(&model), operation.word()), outcome.word());
        let made = || {
            let labels = [&**provider, &*model, operation.word(), outcome.word()];
            let tokens = |kind| self.meter.series(&TOKENS, &[labels[0], labels[1], labels[2], labels[3], kind]);
            CallMeters {
                input: tokens("input"),
                output: tokens("output"),
                duration: self.meter.series(&DURATION, &labels),
                cost: self.meter.series(&COST, &labels),
                retries: self.meter.series(&RETRIES, &labels),
            }
        };
        kept.calls.entry(key).or_insert_with(made).clone()
    }

    /// What counts the events of an answer that streams.
    pub(crate) fn chunks(&self, provider: &Arc<str>, model: &str, operation: Operation) -> ChunkMeters {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let model = self.label(&mut kept, provider, model, true);
        let key = (Arc::clone(provider), Arc::clone(&model), operation.word());
        let made = || {
            let labels = [&**provider, &*model, operation.word()];
            ChunkMeters {
                first: self.meter.series(&FIRST_CHUNK, &labels),
                each: self.meter.series(&EACH_CHUNK, &labels),
            }
        };
        kept.chunks.entry(key).or_insert_with(made).clone()
    }

    /// The name by which a model is counted. One that is not in the configuration gets a place only when it may.
    fn label(&self, kept: &mut Kept, provider: &str, model: &str, may: bool) -> Arc<str> {
        let named = (provider.to_owned(), model.to_owned());
        if self.configured.contains(&named) || kept.others.contains(&named) {
            return model.into();
        }
        let fits = !model.is_empty() && model.len() <= LONGEST_NAME && kept.others.len() < MOST_OTHERS;
        if !(may && fits) {
            return OTHER.into();
        }
        kept.others.insert(named);
        model.into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use seawall_core::meter::Series;

    /// A meter that remembers which series were asked for.
    #[derive(Debug, Default)]
    struct Asked(Mutex<Vec<Vec<String>>>);

    #[derive(Debug)]
    struct Nothing;

    impl Series for Nothing {
        fn add(&self, _value: i64) {}
    }

    impl Meter for Asked {
        fn series(&self, metric: &'static Metric, label_values: &[&str]) -> Handle {
            let asked = std::iter::once(metric.name).chain(label_values.iter().copied()).map(str::to_owned).collect();
            self.0.lock().unwrap().push(asked);
            Handle::new(Arc::new(Nothing))
        }
    }

    impl Asked {
        fn models(&self) -> BTreeSet<String> {
            self.0.lock().unwrap().iter().map(|labels| labels[2].clone()).collect()
        }
    }

    fn configured() -> BTreeSet<(String, String)> {
        BTreeSet::from([("one".to_owned(), "mine".to_owned())])
    }

    #[test]
    fn as_many_models_are_counted_by_name_as_there_is_room_for() {
        let asked = Arc::new(Asked::default());
        let meters = Meters::new(Arc::clone(&asked) as _, configured(), None);
        let provider: Arc<str> = "one".into();
        for number in 0..MOST_OTHERS + 3 {
            meters.call(&provider, &format!("model-{number}"), Operation::Chat, (Outcome::Answered, 200));
        }
        meters.call(&provider, "mine", Operation::Chat, (Outcome::Answered, 200));
        meters.call(&provider, "model-0", Operation::Chat, (Outcome::Failed, 504));
        let models = asked.models();
        assert_eq!(models.len(), MOST_OTHERS + 2, "{models:?}");
        assert!(models.contains("mine") && models.contains(OTHER) && !models.contains("model-64"));
    }

    #[test]
    fn a_reload_gives_no_further_room() {
        let asked = Arc::new(Asked::default());
        let provider: Arc<str> = "one".into();
        let mut earlier: Option<Meters> = None;
        for reload in 0..3 {
            let meters = Meters::new(Arc::clone(&asked) as _, configured(), earlier.as_ref());
            for number in 0..MOST_OTHERS {
                meters.call(&provider, &format!("model-{reload}-{number}"), Operation::Chat, (Outcome::Answered, 200));
            }
            earlier = Some(meters);
        }
        assert_eq!(asked.models().len(), MOST_OTHERS + 1);
    }

    #[test]
    fn a_name_that_was_refused_or_is_too_long_takes_no_place() {
        let asked = Arc::new(Asked::default());
        let meters = Meters::new(Arc::clone(&asked) as _, configured(), None);
        let provider: Arc<str> = "one".into();
        meters.call(&provider, "no such model", Operation::Chat, (Outcome::Refused, 404));
        meters.call(&provider, &"long".repeat(100), Operation::Chat, (Outcome::Answered, 200));
        meters.call(&provider, "mine", Operation::Chat, (Outcome::Refused, 404));
        assert_eq!(asked.models(), BTreeSet::from(["mine".to_owned(), OTHER.to_owned()]));
        meters.call(&provider, "asked too often", Operation::Chat, (Outcome::Refused, 429));
        assert!(asked.models().contains("asked too often"));
    }

    #[test]
    fn a_series_is_looked_up_once() {
        let asked = Arc::new(Asked::default());
        let meters = Meters::new(Arc::clone(&asked) as _, configured(), None);
        let provider: Arc<str> = "one".into();
        for _ in 0..3 {
            meters.call(&provider, "mine", Operation::Chat, (Outcome::Answered, 200));
            meters.chunks(&provider, "mine", Operation::Chat);
        }
        assert_eq!(asked.0.lock().unwrap().len(), 5 + 2);
    }
}
