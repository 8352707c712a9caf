//! `seawall llm prices`: what models cost.

use std::fmt::Write;

use clap::Args;
use seawall_core::http::percent::{UNRESERVED, encoded};
use serde_json::Value;

use super::{
    super::{arguments::StatusOptions, paint::Paint, store::visible},
    items, number,
    table::{Align, table},
    text,
};

/// Seconds in a day.
const DAY_S: u64 = 86_400;

#[derive(Debug, Args)]
pub(crate) struct PricesOptions {
    /// A model as calls name it, such as gpt-5 or PROVIDER/gpt-5 [default: those of the configuration].
    #[arg(value_name = "MODEL")]
    model: Option<String>,
    #[command(flatten)]
    pub(super) server: StatusOptions,
}

impl PricesOptions {
    pub(super) fn path(&self) -> String {
        let query = self.model.as_deref().map(|model| format!("?model={}", encoded(model, UNRESERVED)));
        format!("/api/llm/prices{}", query.unwrap_or_default())
    }
}

/// Prices as people read them.
pub(super) fn shown(said: &Value, paint: Paint) -> String {
    let models = items(said);
    let mut out = if models.is_empty() {
        "no such model\n  help: name it as calls do, as MODEL or PROVIDER/MODEL; models of the configuration are [llm.model.NAME]\n".to_owned()
    } else {
        let (left, right) = (|name| (name, Align::Left), |name| (name, Align::Right));
        let columns = [
            left("model"),
            left("provider"),
            left("name there"),
            right("input"),
            right("cached"),
            right("written"),
            right("output"),
            right("image"),
            left("from"),
        ];
        let rows: Vec<_> = models.iter().map(row).collect();
        format!("Dollars for a million tokens, and for one image:\n\n{}", table(columns, &rows, paint))
    };
    if let Some(file) = said["file"].as_object() {
        let path = visible(file.get("path").and_then(Value::as_str).unwrap_or_default());
        let days = number(&said["file"], "age_s") / DAY_S;
        let models = number(&said["file"], "models");
        let _infallible = writeln!(out, "\n{path} has {models} models and was changed {days} days ago");
    }
    out
}

fn row(model: &Value) -> [String; 9] {
    let money = |name| {
        let told = text(model, name);
        if told == "-" { told } else { format!("${told}") }
    };
    [
        text(model, "model"),
        text(model, "provider"),
        text(model, "name"),
        money("input"),
        money("cached_read"),
        money("cached_write"),
        money("output"),
        money("image"),
        text(model, "source"),
    ]
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn people_read_what_a_model_costs_and_where_that_is_from() {
        let model = |name: &str, input: &str, image: Value, source: &str| {
            json!({ "model": name, "provider": "openai", "name": name, "input": input, "cached_read": "0.075",
                "cached_write": "0.15", "output": "0.60", "image": image, "source": source })
        };
        let file = json!({ "path": "/etc/prices.json", "models": 2_267, "age_s": 3 * DAY_S + 5, "changed_at": "2026-11-19T00:00:00Z" });
        let models = [
            model("gpt-4o-mini", "0.15", Value::Null, "file"),
            model("nobody-knows", "20.00", json!("0.50"), "ceiling"),
        ];
        insta::assert_snapshot!(shown(&json!({ "data": models, "file": file }), Paint { colours: false }), @"
        Dollars for a million tokens, and for one image:

        model         provider  name there     input  cached  written  output  image  from
        gpt-4o-mini   openai    gpt-4o-mini    $0.15  $0.075    $0.15   $0.60      -  file
        nobody-knows  openai    nobody-knows  $20.00  $0.075    $0.15   $0.60  $0.50  ceiling

        /etc/prices.json has 2267 models and was changed 3 days ago
        ");
        let nothing = shown(&json!({ "data": [], "file": null }), Paint { colours: false });
        assert!(nothing.starts_with("no such model\n  help: "), "{nothing}");
    }
}
