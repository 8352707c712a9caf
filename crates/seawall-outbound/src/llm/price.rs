//! What a call costs: by the configuration's own price of a model, by the table of prices that is shipped, or else by a ceiling.

use genai_prices::{Calculator, PriceRequest, Usage as Units, UsageKey};

use super::{money::Money, operation::Dialect, usage::Usage};

/// The price of a model by configuration, for a million tokens and for one image.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct OwnPrice {
    pub(crate) input: Option<Money>,
    pub(crate) output: Option<Money>,
    pub(crate) image: Option<Money>,
}

/// What a model costs that nobody knows, for a million tokens and for one image.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Ceiling {
    pub(crate) input: Money,
    pub(crate) output: Money,
    pub(crate) image: Money,
}

/// A cost, and whether it is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Cost {
    pub(crate) money: Money,
    /// Whether the price is the model's own, and not the ceiling.
    pub(crate) known: bool,
}

/// The prices.
#[derive(Clone, Debug)]
pub(crate) struct Prices {
    pub(crate) ceiling: Ceiling,
}

impl Prices {
    /// What this usage of this model costs.
    pub(crate) fn cost(&self, dialect: Dialect, model: &str, own: OwnPrice, usage: &Usage) -> Cost {
        if own.input.is_some() || own.output.is_some() || own.image.is_some() {
            let ceiling = Ceiling { input: Money::default(), output: Money::default(), image: Money::default() };
            return Cost { money: flat(own, ceiling, usage), known: true };
        }
        match by_table(dialect, model, usage) {
            // The table has prices of tokens; where images are made without telling tokens, only the ceiling knows.
            Some(money) if usage.images == 0 || usage.output > 0 => Cost { money, known: true },
            _ => Cost { money: flat(own, self.ceiling, usage), known: false },
        }
    }
}

fn flat(own: OwnPrice, otherwise: Ceiling, usage: &Usage) -> Money {
    let input = own.input.unwrap_or(otherwise.input).of_million(usage.input);
    let output = own.output.unwrap_or(otherwise.output).of_million(usage.output);
    let image = own.image.unwrap_or(otherwise.image);
    let images = Money::from_nanos(image.nanos().saturating_mul(usage.images));
    input.plus(output).plus(images)
}

#[expect(clippy::cast_precision_loss, reason = "counts of tokens are far below 2^52")]
fn by_table(dialect: Dialect, model: &str, usage: &Usage) -> Option<Money> {
    let provider = match dialect {
        Dialect::OpenAi => "openai",
        Dialect::Anthropic => "anthropic",
        Dialect::Gemini => "google",
    };
    let mut units = Units::new();
    let counts = [
        (UsageKey::INPUT_TOKENS, usage.input),
        (UsageKey::CACHE_READ_TOKENS, usage.cached_read),
        (UsageKey::CACHE_WRITE_TOKENS, usage.cached_write),
        (UsageKey::OUTPUT_TOKENS, usage.output),
    ];
    for (key, count) in counts.into_iter().filter(|(_, count)| *count > 0) {
        units.insert(key, count as f64);
    }
    let request = PriceRequest::new(model, &units).with_provider_id(provider);
    let price = Calculator::bundled().calculate(&request).ok()?;
    price.warnings.is_empty().then(|| Money::from_dollars(price.total_price))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn prices() -> Prices {
        let money = |text| Money::parse(text).unwrap();
        Prices { ceiling: Ceiling { input: money("20"), output: money("100"), image: money("0.5") } }
    }

    #[test]
    fn a_known_model_costs_what_the_table_says() {
        let usage = Usage { input: 1_000_000, cached_read: 500_000, output: 1_000_000, ..Usage::default() };
        let plain = Usage { cached_read: 0, ..usage };
        let cost = |usage| prices().cost(Dialect::OpenAi, "gpt-4o-mini", OwnPrice::default(), usage);
        assert!(cost(&plain).known);
        assert_eq!(cost(&plain).money, Money::parse("0.75").unwrap());
        assert!(cost(&usage).money < cost(&plain).money, "what is read from a cache costs less");
    }

    #[test]
    fn an_unknown_model_is_never_free() {
        let usage = Usage { input: 1_000_000, output: 10_000, images: 2, ..Usage::default() };
        let cost = prices().cost(Dialect::OpenAi, "nobody-knows-this", OwnPrice::default(), &usage);
        assert_eq!(cost, Cost { money: Money::parse("22").unwrap(), known: false });
        let own = OwnPrice { input: Money::parse("1.5"), ..OwnPrice::default() };
        let cost = prices().cost(Dialect::OpenAi, "nobody-knows-this", own, &usage);
        assert_eq!(cost, Cost { money: Money::parse("1.5").unwrap(), known: true });
    }
}
