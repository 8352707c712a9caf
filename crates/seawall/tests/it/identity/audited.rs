//! Every event that identity writes is provoked and found in the audit log, as `docs/guide/audit-events.md` lists it: who, what, how it
//! ended, and what was there before and after.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

use serde_json::Value;

use super::everything::{Engine, Everything};

/// What the names of events begin with.
const KINDS: [&str; 9] =
    ["user", "session", "key", "device", "app_session", "organisation", "import", "passkey", "signing_key"];

/// Events of which no value can be told: what changed is a secret, or nothing but the thing itself.
const WITHOUT_VALUES: [&str; 6] = [
    "app_session.offered",
    "device.asked",
    "signing_key.removed",
    "user.hash_upgraded",
    "user.password_changed",
    "user.password_reset",
];

fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// The names in the source of identity, so that none is forgotten.
fn written(folder: &Path, names: &mut BTreeSet<String>) {
    for entry in fs::read_dir(folder).unwrap().flatten() {
        let path = entry.path();
        if path.is_dir() {
            written(&path, names);
            continue;
        }
        // Lists of passwords are no source.
        let Ok(text) = fs::read_to_string(&path) else { continue };
        let text = text.split("#[cfg(test)]").next().unwrap();
        for line in text.lines().filter(|line| !line.contains("with_extension") && !line.trim().starts_with("//")) {
            for literal in line.split('"').skip(1).step_by(2) {
                let sign = |sign: char| sign.is_ascii_lowercase() || sign == '_';
                if let Some((kind, verb)) = literal.split_once('.')
                    && KINDS.contains(&kind)
                    && verb.chars().all(sign)
                {
                    names.insert(literal.to_owned());
                }
            }
        }
    }
}

/// What the log holds of one event.
#[derive(Default)]
struct Seen {
    object: BTreeSet<String>,
    by: BTreeSet<String>,
    outcome: BTreeSet<String>,
    before: BTreeSet<String>,
    after: BTreeSet<String>,
}

impl Seen {
    fn add(&mut self, entry: &Value) {
        let word = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        self.object.insert(word(&entry["object"]["kind"]));
        self.by.insert(word(&entry["actor"]["kind"]));
        self.outcome.insert(word(&entry["outcome"]));
        for (side, fields) in [("before", &mut self.before), ("after", &mut self.after)] {
            fields.extend(entry[side].as_object().into_iter().flat_map(|values| values.keys().cloned()));
        }
    }

    fn row(&self, name: &str) -> String {
        let list = |words: &BTreeSet<String>| words.iter().cloned().collect::<Vec<_>>().join(", ");
        let columns = [&self.object, &self.by, &self.outcome, &self.before, &self.after].map(list);
        format!("| `{name}` | {} |", columns.join(" | ")).replace("|  |", "| |").replace("|  |", "| |")
    }
}

/// Whoever is known has an id, and so has what it is about; a change says from what to what.
fn sound(entry: &Value) {
    let action = entry["action"].as_str().unwrap();
    let actor = &entry["actor"];
    let known = ["user", "key", "api_key", "device", "system"].contains(&actor["kind"].as_str().unwrap());
    assert_eq!(known, actor["id"].as_str().is_some_and(|id| !id.is_empty()), "who? {entry}");
    assert!(entry["object"]["id"].is_string(), "what? {entry}");
    assert!(["done", "refused"].contains(&entry["outcome"].as_str().unwrap()), "{entry}");
    assert!(!entry["before"].is_null() || !entry["after"].is_null() || WITHOUT_VALUES.contains(&action), "{entry}");
    if let (Some(before), Some(after)) = (entry["before"].as_object(), entry["after"].as_object()) {
        assert_ne!(before, after, "nothing changed: {entry}");
        assert!(before.keys().all(|field| after.contains_key(field)), "what became of it? {entry}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_event_of_identity_is_written_with_who_what_and_the_values_before_and_after() {
    let all = Everything::done(Engine::Sqlite).await;
    let mut seen: BTreeMap<String, Seen> = BTreeMap::new();
    for entry in all.audit_log().await {
        let action = entry["action"].as_str().unwrap();
        if KINDS.contains(&action.split('.').next().unwrap()) {
            sound(&entry);
            seen.entry(action.to_owned()).or_default().add(&entry);
        }
    }
    let mut names = BTreeSet::new();
    written(&repository().join("crates/seawall-identity/src"), &mut names);
    assert!(names.len() > 40, "{names:?}");
    let missing: Vec<_> = names.iter().filter(|name| !seen.contains_key(*name)).collect();
    assert!(missing.is_empty(), "never provoked: {missing:?}; do it in everything/");
    let page = fs::read_to_string(repository().join("docs/guide/audit-events.md")).unwrap();
    let told: Vec<&str> = page.lines().filter(|line| line.starts_with("| `")).collect();
    let rows: Vec<String> = seen.iter().map(|(name, seen)| seen.row(name)).collect();
    assert_eq!(told, rows, "docs/guide/audit-events.md is not what is written; its rows:\n{}", rows.join("\n"));
}
