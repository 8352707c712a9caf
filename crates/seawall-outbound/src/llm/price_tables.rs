//! Tables of prices: one that is shipped, and one of a file that is fresher.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::Arc,
    time::UNIX_EPOCH,
};

use genai_prices::{Calculator, PriceRequest, Usage as Units, UsageKey};
use seawall_core::settings::{Field, Literal};

use super::{money::Money, operation::Dialect, usage::Usage};

/// The largest file that is read. Those of its maker have less than one megabyte.
const LARGEST: u64 = 64 * 1024 * 1024;

/// The key of `[llm]`.
pub(crate) const PRICES_FILE: Field<String> = Field::new(
    "prices_file",
    Literal::Unset,
    "A table of prices that is asked before the one that is shipped: JSON as genai-prices publishes it (version 2), relative to the configuration file. It is read at the start and at each reload; one that cannot be read changes nothing.",
);

/// Which table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Origin {
    File,
    Shipped,
}

/// The tables: that of a file when there is one, and the one that is shipped. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub(crate) struct Tables {
    file: Option<(Arc<Calculator>, Arc<PricesFile>)>,
}

/// A file of prices, as it was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PricesFile {
    /// Where it is.
    pub path: PathBuf,
    /// When it was changed last, in seconds since 1970-01-01T00:00:00Z.
    pub changed_at_s: u64,
    /// How many models it has.
    pub models: usize,
}

impl Tables {
    /// The table of a file, before the one that is shipped.
    ///
    /// # Errors
    /// A sentence: it cannot be read, or is no table of prices.
    pub(crate) fn of_file(path: &Path) -> Result<Self, String> {
        let fault = |why: &dyn std::fmt::Display| {
            let shown = path.display();
            format!("the prices in {shown} (`prices_file` in [llm]) cannot be taken over: {why}")
        };
        let metadata = fs::metadata(path).map_err(|error| fault(&error))?;
        if metadata.len() > LARGEST {
            return Err(fault(&format!("it has more than {} MiB", LARGEST / 1024 / 1024)));
        }
        let changed = metadata.modified().ok().and_then(|at| at.duration_since(UNIX_EPOCH).ok());
        let json = fs::read(path).map_err(|error| fault(&error))?;
        let table = Calculator::from_json(json).map_err(|error| fault(&error))?;
        let models = table.providers().map(|provider| provider.models().count()).sum();
        if models == 0 {
            return Err(fault(&"it has the price of no model"));
        }
        let changed_at_s = changed.map_or(0, |changed| changed.as_secs());
        let file = PricesFile { path: path.to_owned(), changed_at_s, models };
        Ok(Self { file: Some((Arc::new(table), Arc::new(file))) })
    }

    /// The file, when there is one.
    pub(crate) fn file(&self) -> Option<&PricesFile> {
        self.file.as_ref().map(|(_, file)| &**file)
    }

    /// What this usage of a model costs; nothing when no table has it.
    pub(crate) fn cost(&self, dialect: Dialect, model: &str, usage: &Usage) -> Option<(Money, Origin)> {
        let units = units(usage);
        let of_file =
            self.file.as_ref().and_then(|(table, _)| Some((cost(table, dialect, model, &units)?, Origin::File)));
        of_file.or_else(|| Some((cost(Calculator::bundled(), dialect, model, &units)?, Origin::Shipped)))
    }
}

#[expect(clippy::cast_precision_loss, reason = "counts of tokens are far below 2^52")]
fn units(usage: &Usage) -> Units {
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
    units
}

fn cost(table: &Calculator, dialect: Dialect, model: &str, units: &Units) -> Option<Money> {
    let provider = match dialect {
        Dialect::OpenAi => "openai",
        Dialect::Anthropic => "anthropic",
        Dialect::Gemini => "google",
    };
    let request = PriceRequest::new(model, units).with_provider_id(provider);
    let price = table.calculate(&request).ok()?;
    price.warnings.is_empty().then(|| Money::from_dollars(price.total_price))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A table in which one model costs this much for a million tokens of the question.
    fn table(input: f64) -> String {
        format!(
            r#"[{{"id":"openai","name":"OpenAI","api_pattern":"https://api\\.openai\\.com","models":[
                {{"id":"gpt-4o-mini","match":{{"equals":"gpt-4o-mini"}},"prices":{{"input_mtok":{input},"output_mtok":1}}}}]}}]"#
        )
    }

    fn read(text: &str) -> Result<Tables, String> {
        let directory = std::env::temp_dir().join(format!("seawall-prices-{:032x}", fastrand::u128(..)));
        fs::create_dir_all(&directory).unwrap();
        let path = directory.join("prices.json");
        fs::write(&path, text).unwrap();
        let tables = Tables::of_file(&path);
        fs::remove_dir_all(directory).unwrap();
        tables
    }

    #[test]
    fn a_file_is_asked_before_the_table_that_is_shipped() {
        let tables = read(&table(7.0)).unwrap();
        assert_eq!(tables.file().unwrap().models, 1);
        let million = Usage { input: 1_000_000, ..Usage::default() };
        let cost = |model| tables.cost(Dialect::OpenAi, model, &million);
        assert_eq!(cost("gpt-4o-mini"), Some((Money::parse("7").unwrap(), Origin::File)));
        assert_eq!(cost("gpt-4o").unwrap().1, Origin::Shipped);
        assert_eq!(cost("nobody-knows-this"), None);
    }

    #[test]
    fn what_is_no_table_is_refused_with_its_path() {
        for text in ["", "{}", "[]", r#"[{"id":1}]"#, &table(-1.0), "[{\"id\":\"openai\""] {
            let said = read(text).unwrap_err();
            assert!(said.contains("prices.json (`prices_file` in [llm]) cannot be taken over: "), "{text}: {said}");
        }
        assert!(Tables::of_file(Path::new("/nowhere/prices.json")).unwrap_err().contains("/nowhere/prices.json"));
    }
}
