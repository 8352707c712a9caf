//! What a call costs: by the configuration's own price of a model, by a table of prices, or else by a ceiling.

use super::{
    money::Money,
    operation::Dialect,
    price_tables::{Origin, Tables},
    usage::Usage,
};

/// The price of a model by configuration, for a million tokens and for one image.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct OwnPrice {
    pub(crate) input: Option<Money>,
    pub(crate) output: Option<Money>,
    pub(crate) image: Option<Money>,
}

impl OwnPrice {
    const fn given(self) -> bool {
        self.input.is_some() || self.output.is_some() || self.image.is_some()
    }
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

/// Where a price is from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Source {
    Configuration,
    Table(Origin),
    Ceiling,
}

impl Source {
    /// As it is told.
    pub(crate) const fn word(self) -> &'static str {
        match self {
            Self::Configuration => "configuration",
            Self::Table(Origin::File) => "file",
            Self::Table(Origin::Shipped) => "shipped",
            Self::Ceiling => "ceiling",
        }
    }
}

/// The prices.
#[derive(Clone, Debug)]
pub(crate) struct Prices {
    pub(crate) ceiling: Ceiling,
    pub(crate) tables: Tables,
}

impl Prices {
    /// What this usage of this model costs.
    pub(crate) fn cost(&self, dialect: Dialect, model: &str, own: OwnPrice, usage: &Usage) -> Cost {
        let (money, source) = self.priced(dialect, model, own, usage);
        Cost { money, known: source != Source::Ceiling }
    }

    /// The same, with where the price is from.
    pub(crate) fn priced(&self, dialect: Dialect, model: &str, own: OwnPrice, usage: &Usage) -> (Money, Source) {
        if own.given() {
            let ceiling = Ceiling { input: Money::default(), output: Money::default(), image: Money::default() };
            return (flat(own, ceiling, usage), Source::Configuration);
        }
        match self.tables.cost(dialect, model, usage) {
            // Tables have prices of tokens; where images are made without telling tokens, only the ceiling knows.
            Some((money, origin)) if usage.images == 0 || usage.output > 0 => (money, Source::Table(origin)),
            _ => (flat(own, self.ceiling, usage), Source::Ceiling),
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

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn prices() -> Prices {
        let money = |text| Money::parse(text).unwrap();
        Prices {
            ceiling: Ceiling { input: money("20"), output: money("100"), image: money("0.5") },
            tables: Tables::default(),
        }
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

    proptest! {
        #[test]
        fn more_tokens_never_cost_less(
            model in prop::sample::select(vec!["gpt-4o-mini", "gpt-5", "o3", "nobody-knows-this", "gpt-5-pro"]),
            input in 0_u64..3_000_000,
            output in 0_u64..300_000,
            images in 0_u64..4,
            more in (0_u64..1_000_000, 0_u64..100_000, 0_u64..3),
        ) {
            let less = Usage { input, output, images, ..Usage::default() };
            let all = Usage { input: input + more.0, output: output + more.1, images: images + more.2, ..less };
            let cost = |usage| prices().cost(Dialect::OpenAi, model, OwnPrice::default(), usage).money;
            // Only the ceiling knows images without tokens, so that the first token may make them known, and cheaper.
            if images + more.2 == 0 || output > 0 {
                prop_assert!(cost(&less) <= cost(&all), "{less:?} {all:?}");
            }
        }

        #[test]
        fn calls_cost_together_what_they_cost_one_by_one(tokens in prop::collection::vec(0_u64..100_000, 1..20)) {
            let each = |input| prices().cost(Dialect::OpenAi, "gpt-4o-mini", OwnPrice::default(), &Usage { input, ..Usage::default() }).money;
            let apart = tokens.iter().map(|tokens| each(*tokens)).fold(Money::default(), Money::plus);
            let together = each(tokens.iter().sum());
            // Each is rounded up to a billionth of a dollar, and nothing is lost.
            prop_assert!(together <= apart && apart.nanos() - together.nanos() <= tokens.len() as u64);
        }
    }
}
