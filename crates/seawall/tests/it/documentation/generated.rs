//! What the binary generates is what is committed.

use std::fs;

use crate::{applications::tools::repository, cli::binary::Place};

/// The files, and the arguments that generate them.
const GENERATED: [(&str, &[&str]); 5] = [
    ("seawall.example.toml", &["config", "example"]),
    ("docs/reference/configuration.md", &["config", "reference", "configuration"]),
    ("docs/reference/guards.md", &["config", "reference", "guards"]),
    ("docs/reference/problems.md", &["config", "reference", "problems"]),
    ("docs/reference/metrics.md", &["config", "reference", "metrics"]),
];

const UPDATE: &str = "UPDATE=1 cargo nextest run -p seawall --test it documentation::generated";

#[test]
fn the_example_file_and_the_reference_are_up_to_date() {
    let update = std::env::var_os("UPDATE").is_some_and(|value| value == "1");
    let mut stale = Vec::new();
    for (path, arguments) in GENERATED {
        let file = repository().join(path);
        let text = Place::new().seawall(arguments).ok();
        if update {
            fs::create_dir_all(file.parent().expect("it is in a folder")).expect("the folder can be made");
            fs::write(&file, text).expect("the file can be written");
        } else if fs::read_to_string(&file).ok().as_deref() != Some(text.as_str()) {
            stale.push(path);
        }
    }
    assert!(stale.is_empty(), "not what the binary generates: {stale:?}; write them anew with\n  {UPDATE}");
}

#[test]
fn the_example_file_changes_nothing_and_is_valid() {
    let example = fs::read_to_string(repository().join("seawall.example.toml")).expect("it is committed");
    let said = Place::with_config(&example).seawall(&["check"]).ok();
    assert!(said.contains("Everything is as by default."), "{said}");
}

#[test]
fn the_schema_for_editors_knows_every_section() {
    let schema: serde_json::Value =
        serde_json::from_str(&Place::new().seawall(&["config", "schema"]).ok()).expect("it is JSON");
    let properties = schema["properties"].as_object().expect("it describes a table");
    for section in seawall::app::catalogue::schema().sections {
        if section.name.is_empty() {
            assert!(section.fields.iter().all(|field| properties.contains_key(field.key)), "{properties:?}");
        } else {
            let table = section.name.split('.').fold(&schema, |table, name| &table["properties"][name]);
            let keys = table["properties"].as_object();
            let keys = keys.unwrap_or_else(|| panic!("no section {}", section.name));
            assert!(section.fields.iter().all(|field| keys.contains_key(field.key)), "{}: {keys:?}", section.name);
        }
    }
}
