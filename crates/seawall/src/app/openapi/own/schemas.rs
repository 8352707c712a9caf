//! The schemas that Seawall's own paths refer to.

use seawall_identity::http::SCHEMAS;
use serde_json::{Map, Value};

use super::{dialect::as_in_3_0, health::health};

/// All of them by their names, for a document of this version; those of signing in only where people sign in.
pub(in crate::app::openapi) fn schemas(version: &str, identifies: bool) -> Map<String, Value> {
    let mut all = if identifies { of_signing_in() } else { Map::new() };
    all.insert("SeawallHealth".to_owned(), health());
    if version.starts_with("3.0") {
        all.values_mut().for_each(as_in_3_0);
    }
    all
}

#[expect(clippy::expect_used, reason = "it is part of the program, and a test below reads it")]
fn of_signing_in() -> Map<String, Value> {
    serde_json::from_str(SCHEMAS).expect("the schemas of signing in are JSON")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::app::openapi::own::{Gives, OWN, Takes};

    #[test]
    fn every_schema_that_a_path_names_is_there_and_every_one_is_named() {
        let all = schemas("3.1.0", true);
        let text = json!(all).to_string();
        let mut named: Vec<&str> = Vec::new();
        for own in &OWN {
            if let Takes::Json(name) | Takes::MaybeJson(name) | Takes::Form(name) = own.takes {
                named.push(name);
            }
            for (_, gives) in own.gives {
                if let Gives::Json(name) | Gives::Welcome(name) = gives {
                    named.push(name);
                }
            }
        }
        for name in &named {
            assert!(all.contains_key(&format!("Seawall{name}")), "{name}");
        }
        for name in all.keys() {
            let inside = text.contains(&format!("\"#/components/schemas/{name}\""));
            assert!(inside || named.iter().any(|one| format!("Seawall{one}") == *name), "{name} is named nowhere");
        }
    }
}
