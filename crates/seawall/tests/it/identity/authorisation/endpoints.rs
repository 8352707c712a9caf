//! Every path that Seawall answers itself, read from the source where routers are made, so that none is forgotten.

use std::{
    fs,
    path::{Path, PathBuf},
};

/// A path with a method.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Endpoint {
    pub(super) operators: bool,
    pub(super) path: String,
    pub(super) method: &'static str,
}

const METHODS: [(&str, &str); 6] =
    [("get(", "GET"), ("post(", "POST"), ("put(", "PUT"), ("patch(", "PATCH"), ("delete(", "DELETE"), ("any(", "GET")];

/// All of them, in order.
pub(super) fn all() -> Vec<Endpoint> {
    let crates = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the folder of crates").to_owned();
    let mut found = Vec::new();
    for folder in ["seawall-identity/src/http", "seawall/src/app"] {
        for file in sources(&crates.join(folder)) {
            of_file(&file, &mut found);
        }
    }
    found.sort();
    let count = found.len();
    found.dedup();
    assert_eq!(found.len(), count, "a path is there twice");
    found
}

fn sources(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).expect("a folder of sources").flatten() {
        let path = entry.path();
        if path.is_dir() {
            files.extend(sources(&path));
        } else if path.extension().is_some_and(|end| end == "rs") && !path.ends_with("tests.rs") {
            files.push(path);
        }
    }
    files
}

fn of_file(file: &Path, found: &mut Vec<Endpoint>) {
    let text = fs::read_to_string(file).expect("source is text");
    let text = text.split("#[cfg(test)]").next().unwrap_or_default();
    for (at, _) in text.match_indices(".route(") {
        // What sites are made of is configured, and is the first part of the table.
        if text[..at].ends_with("self") || text[at..].starts_with(".route(&spelled(path)") {
            continue;
        }
        let (path, handlers) = arguments(&text[at + ".route(".len()..]);
        let path = spelled(text, path).unwrap_or_else(|| panic!("{}: which path is {path}?", file.display()));
        let methods = methods(text, handlers);
        assert!(!methods.is_empty(), "{}: which methods has {path}: {handlers}?", file.display());
        let operators = !path.starts_with("/_seawall");
        found.extend(methods.into_iter().map(|method| Endpoint { operators, path: path.clone(), method }));
    }
}

/// The first argument, and the others.
fn arguments(text: &str) -> (&str, &str) {
    let (mut depth, mut comma) = (0_usize, None);
    for (at, sign) in text.char_indices() {
        match sign {
            '(' | '[' => depth += 1,
            ')' | ']' if depth == 0 => {
                let comma = comma.expect("two arguments");
                return (text[..comma].trim(), text[comma + 1..at].trim());
            }
            ')' | ']' => depth -= 1,
            ',' if depth == 0 && comma.is_none() => comma = Some(at),
            _ => {}
        }
    }
    panic!("a call without an end")
}

/// A path as it is asked for.
fn spelled(text: &str, argument: &str) -> Option<String> {
    let argument = argument.trim_start_matches('&');
    if let Some(literal) = argument.strip_prefix('"') {
        return Some(literal.trim_end_matches('"').to_owned());
    }
    if let Some(format) = argument.strip_prefix("format!(\"") {
        return filled(text, format.split('"').next()?);
    }
    let (_, rest) = text.split_once(&format!("let {argument} = "))?;
    spelled(text, rest.split(';').next()?)
}

/// The format with what its variables are.
fn filled(text: &str, format: &str) -> Option<String> {
    let (mut path, mut rest) = (String::new(), format);
    while let Some((before, after)) = rest.split_once('{') {
        path.push_str(before);
        if let Some(after) = after.strip_prefix('{') {
            let (name, after) = after.split_once("}}")?;
            path.push_str(&format!("{{{name}}}"));
            rest = after;
            continue;
        }
        let (name, after) = after.split_once('}')?;
        path.push_str(&match name {
            "prefix" => prefix_of(after),
            "base" => format!("{}/pages", prefix_of(after)),
            "BELOW" => "pages".to_owned(),
            other => constant(text, other).or_else(|| spelled(text, other))?,
        });
        rest = after;
    }
    Some(path + rest)
}

fn constant(text: &str, name: &str) -> Option<String> {
    let (_, rest) = text.split_once(&format!("const {name}: &str = \""))?;
    rest.split('"').next().map(str::to_owned)
}

/// Health and problems stand beside what people ask.
fn prefix_of(rest: &str) -> String {
    let beside = rest.starts_with("/health/") || rest.starts_with("/problems/") || rest == "/openapi.json";
    if beside { "/_seawall" } else { "/_seawall/auth" }.to_owned()
}

fn methods(text: &str, handlers: &str) -> Vec<&'static str> {
    let named = |text: &str| -> Vec<&'static str> {
        let alone = |word: &str| {
            text.match_indices(word)
                .any(|(at, _)| !text[..at].ends_with(|sign: char| sign.is_alphanumeric() || sign == '_'))
        };
        METHODS.iter().filter(|(word, _)| alone(word)).map(|(_, method)| *method).collect()
    };
    let own = named(handlers);
    if !own.is_empty() {
        return own;
    }
    // A variable, or a closure that makes one.
    let name = handlers.split(['(', '.']).next().unwrap_or_default();
    text.split_once(&format!("let {name} = ")).map(|(_, rest)| named(&rest[..rest.len().min(300)])).unwrap_or_default()
}
