//! Prices as operators read them: what a model costs here, and where that is from.

use seawall_core::meter::{Metric, MetricKind};
use serde_json::{Value, json};

use super::{gateway::Gateway, money::Money, price::Source, target::Target, usage::Usage};

/// How old the file of prices is.
pub static PRICES_CHANGED: Metric = Metric {
    name: "seawall_llm_prices_changed_timestamp_seconds",
    help: "When the file of prices (`prices_file` in [llm]) that is in use was changed last, in seconds since 1970; 0 without one.",
    kind: MetricKind::Gauge,
    labels: &[],
};

/// What models cost for a million tokens and one image: those of the configuration, or the one of this name as calls would find it.
pub(crate) fn list(gateway: &Gateway, model: Option<&str>) -> Vec<Value> {
    let rows: Vec<_> =
        gateway.directory().offers(model).iter().map(|(name, target)| row(gateway, name, target)).collect();
    // Of providers that a name could lead to, those that know it.
    let known = |(source, _): &(Source, Value)| *source != Source::Ceiling;
    let some_known = model.is_some() && rows.iter().any(known);
    rows.into_iter().filter(|row| !some_known || known(row)).map(|(_, row)| row).collect()
}

fn row(gateway: &Gateway, name: &str, target: &Target) -> (Source, Value) {
    let Target { provider, model, price, .. } = target;
    let priced = |usage: Usage| gateway.prices().priced(provider.settings.dialect, model, *price, &usage);
    // Longer questions may cost more by the token, so that a million is no measure.
    let million = |usage: Usage| priced(usage).0.times(1_000).to_string();
    let question = Usage { input: 1_000, ..Usage::default() };
    let (_, source) = priced(question);
    let image = priced(Usage { images: 1, ..Usage::default() });
    let told = json!({
        "model": name,
        "provider": *provider.name,
        "name": model,
        "input": million(question),
        "cached_read": million(Usage { cached_read: 1_000, ..question }),
        "cached_write": million(Usage { cached_write: 1_000, ..question }),
        "output": million(Usage { output: 1_000, ..Usage::default() }),
        "image": Some(image.0).filter(|money| *money > Money::default()).map(|money| money.to_string()),
        "source": source.word(),
    });
    (source, told)
}
