//! Secrets masked in a text, so that an excerpt under a message never shows one.
//!
//! This reads lines, not TOML, because the excerpts that matter most are of text that does not parse. It would rather
//! hide too much: a name that is not known hides its value when it looks like a secret's name or a slip of one, or
//! stands in a section that has secrets.

use seawall_core::{redact, settings::nearest};

use crate::{schema::Schema, words};

/// Stars that stand for a secret of any length.
const STARS: usize = 8;

/// A longer line is data and no setting; everything after its first equals sign is masked.
const LONGEST_LINE: usize = 4_096;

/// The configuration text with every secret's value masked; as long as `text` in every line.
pub(crate) fn toml(schema: &Schema, text: &str) -> String {
    let mut scan = Scan { schema, header: Vec::new(), hiding: None };
    text.split_inclusive('\n').map(|line| scan.line(line)).collect()
}

/// `.env` text with everything masked but names, and the values of known fields that are no secrets.
pub(crate) fn dotenv(text: &str, plain: impl Fn(&str) -> bool) -> String {
    let line = |line: &str| {
        let bare = line.trim_start();
        let bare = bare.strip_prefix("export ").unwrap_or(bare);
        let end = bare.find(|c: char| !(c.is_ascii_alphanumeric() || c == '_')).unwrap_or(bare.len());
        let (name, value) = bare.split_at(end);
        if plain(name) {
            line.to_owned()
        } else if value.trim_start().starts_with('=') {
            let (before, value) = line.split_once('=').unwrap_or_default();
            format!("{before}={}", stars(value))
        } else {
            stars(line)
        }
    };
    text.split_inclusive('\n').map(line).collect()
}

struct Scan<'a> {
    schema: &'a Schema,
    header: Vec<&'a str>,
    hiding: Option<Until>,
}

/// How far a hidden value reaches over the following lines.
#[derive(Clone, Copy)]
enum Until {
    /// To a line that holds this closing mark.
    Mark(&'static str),
    /// To a line that sets another key or opens a section.
    NextKey,
}

impl<'a> Scan<'a> {
    fn line(&mut self, line: &'a str) -> String {
        let inside = line.trim_start();
        if let Some(Until::Mark(mark)) = self.hiding {
            if line.contains(mark) {
                self.hiding = None;
            }
            return stars(line);
        }
        if inside.starts_with('[') {
            self.hiding = None;
            self.header = inside.split(['[', ']', '.', '#', '\n']).map(unquoted).collect();
            return broken_header(line);
        }
        if let Some(at) = self.secret(line) {
            let (before, value) = line.split_at(at);
            self.hiding = Some(reach(value));
            return format!("{before}{}", stars(value));
        }
        if line.contains('=') || inside.is_empty() || inside.starts_with('#') {
            self.hiding = None;
        }
        let orphan = !line.contains('=') && line.contains(['"', '\'']) && self.among_secrets(&self.header);
        if self.hiding.is_some() || orphan { stars(line) } else { line.to_owned() }
    }

    /// Where the first secret value of a line begins.
    fn secret(&self, line: &str) -> Option<usize> {
        if line.len() > LONGEST_LINE {
            return line.find('=').map(|at| at + 1);
        }
        let mut around: Vec<&str> = Vec::new();
        let mut from = 0;
        for (at, _) in line.match_indices('=') {
            let (before, value) = line.split_at(at + 1);
            let key = before.get(from..at).unwrap_or_default();
            let key = key.rsplit(['{', ',', '#']).next().unwrap_or_default();
            around.extend(key.split('.').map(unquoted));
            from = at + 1;
            if value.trim_start().starts_with('{') {
                continue;
            }
            let name = around.pop().unwrap_or_default();
            if self.hides(&around, name) {
                return Some(at + 1);
            }
        }
        None
    }

    /// Whether a section is meant by the names around a key; the top is, when no other section is.
    fn near_by(&self, words: &[&str], section: &str) -> bool {
        match section {
            "" => !words.iter().any(|word| !word.is_empty() && self.schema.section(word).is_some()),
            named => named.split('.').all(|part| words.contains(&part)),
        }
    }

    fn among_secrets(&self, words: &[&str]) -> bool {
        let mut fields = self.schema.fields().filter(|(section, _)| self.near_by(words, section.name));
        fields.any(|(_, field)| words::hidden(&field.shape))
    }

    fn hides(&self, dotted: &[&str], name: &str) -> bool {
        let key = name.to_ascii_lowercase().replace('-', "_");
        let mut words = self.header.clone();
        words.extend(dotted);
        let known = self.known(&key, Some(&words)).or_else(|| self.known(&key, None));
        known.unwrap_or_else(|| {
            self.suspicious(&key, &words)
                || dotted.iter().any(|part| self.suspicious(&part.to_ascii_lowercase(), &words))
        })
    }

    /// Whether the fields of this key are secret, in the sections meant by `words` or in all; nothing without any.
    fn known(&self, key: &str, words: Option<&[&str]>) -> Option<bool> {
        let fields = self
            .schema
            .fields()
            .filter(|(section, field)| field.key == key && words.is_none_or(|words| self.near_by(words, section.name)));
        fields.map(|(_, field)| words::hidden(&field.shape)).reduce(|secret, another| secret || another)
    }

    /// Whether a name that no field has may stand for a secret.
    fn suspicious(&self, key: &str, words: &[&str]) -> bool {
        let secrets = || self.schema.fields().map(|(_, field)| field).filter(|field| words::hidden(&field.shape));
        if key.strip_suffix("_file").is_some_and(|base| secrets().any(|field| field.key == base)) {
            return false;
        }
        redact::hides(key)
            || self.among_secrets(words)
            || nearest(key, secrets().map(|field| field.key)).is_some()
            || secrets().any(|field| key.contains(field.key))
    }
}

/// A header into which a value has fallen, without that value.
fn broken_header(line: &str) -> String {
    let after = |&(at, _): &(usize, &str)| line.get(at + 1..).unwrap_or_default().trim_start().starts_with(['"', '\'']);
    match line.match_indices('=').find(after) {
        Some((at, _)) => {
            let (before, value) = line.split_at(at + 1);
            format!("{before}{}", stars(value))
        }
        None => line.to_owned(),
    }
}

/// How far a value reaches that begins on this line.
fn reach(value: &str) -> Until {
    let odd = |mark: &str| value.matches(mark).count() % 2 == 1;
    if odd("\"\"\"") {
        Until::Mark("\"\"\"")
    } else if odd("'''") {
        Until::Mark("'''")
    } else if value.trim_start().starts_with('[') && !value.contains(']') {
        Until::Mark("]")
    } else {
        Until::NextKey
    }
}

fn unquoted(part: &str) -> &str {
    part.trim().trim_matches(['"', '\''])
}

/// As many bytes, of which the first few are stars; spaces and the end of the line stay.
fn stars(value: &str) -> String {
    let body = value.trim_end_matches(['\n', '\r']);
    let (_, ending) = value.split_at(body.len());
    let secret = body.trim_start_matches([' ', '\t']);
    let (space, _) = body.split_at(body.len() - secret.len());
    let shown = secret.len().min(STARS);
    format!("{space}{}{}{ending}", "*".repeat(shown), " ".repeat(secret.len() - shown))
}

#[cfg(test)]
mod tests;
