//! One operation of a document, and what it says of a request and of its answers.

use std::{borrow::Cow, sync::Arc};

use http::{
    HeaderMap,
    header::{CONTENT_TYPE, COOKIE},
};
use seawall_core::clock::Now;
use serde_json::Value;

use super::{
    UnknownFields,
    check::{self, Direction, Manner},
    fault::{Faults, Place, Spot},
    instance::Instance,
    media::MediaTypes,
    node::{NodeId, Nodes},
    parameter::{Pair, Parameter, pairs},
    percent,
};
use crate::json::Tree;

/// The most parameters of an operation: they are bits of a word.
pub(super) const MOST_PARAMETERS: usize = 128;

/// An operation: a method at a path.
#[derive(Debug, Default)]
pub struct Operation {
    pub(super) nodes: Arc<Nodes>,
    /// The template, as logs may show it.
    pub(super) name: String,
    pub(super) parameters: Vec<Parameter>,
    /// The parameters of the template in its order, by their place among `parameters`.
    pub(super) captured: Vec<Option<usize>>,
    /// Names in queries that stand for credentials, which documents list elsewhere.
    pub(super) credentials: Arc<[String]>,
    pub(super) body: Option<Body>,
    pub(super) answers: Vec<(String, Promise)>,
}

/// What a document says of the answers with a status.
#[derive(Debug, Default)]
pub(super) struct Promise {
    pub(super) types: MediaTypes,
    /// The headers that they have to have, in small letters.
    pub(super) headers: Vec<String>,
}

/// What a document says of a request's body.
#[derive(Debug)]
pub(super) struct Body {
    pub(super) required: bool,
    pub(super) types: MediaTypes,
}

/// The parts of a request that stand in its head.
#[derive(Clone, Copy, Debug)]
pub struct Parts<'a> {
    /// The segments that stand for the template's parameters, as they were written.
    pub captured: &'a [&'a str],
    /// The query, as it was written.
    pub query: Option<&'a str>,
    /// The headers, cookies among them.
    pub headers: &'a HeaderMap,
}

/// Which bodies an operation takes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Takes {
    /// None.
    None,
    /// Of these other media types.
    Others(String),
    /// Any of this media type.
    Anything,
    /// Those that a schema describes.
    Described,
}

/// What is known of the parameters so far.
struct Given<'o> {
    operation: &'o Operation,
    manner: Manner,
    faults: Faults,
    seen: u128,
    /// Values of parameters that may be given several times.
    several: Vec<(usize, String)>,
}

impl Operation {
    /// Method and template.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What is wrong with the head of a request. Nothing is allocated for one that has only single values, none of them encoded.
    #[must_use]
    pub fn head(&self, parts: Parts<'_>, unknown: UnknownFields, now: Now) -> Faults {
        let manner = Manner { unknown, direction: Direction::Request, now };
        let mut given = Given { operation: self, manner, faults: Faults::default(), seen: 0, several: Vec::new() };
        for (text, place) in parts.captured.iter().zip(&self.captured) {
            if let Some(place) = place {
                given.encoded(*place, text);
            }
        }
        given.query(parts.query.unwrap_or_default());
        given.headers(parts.headers);
        given.cookies(parts.headers);
        given.finish()
    }

    /// The query without what the document does not name; nothing when it has only what is named.
    #[must_use]
    pub fn stripped_query(&self, query: &str) -> Option<String> {
        let known = |name: &str| self.parameter(Place::Query, name).is_some() || self.is_credential(name);
        let kept = |decoded: &Option<Pair<'_>>| decoded.as_ref().is_none_or(|(name, _)| known(name));
        if pairs(query).all(|(_, decoded)| kept(&decoded)) {
            return None;
        }
        Some(pairs(query).filter(|(_, decoded)| kept(decoded)).map(|(pair, _)| pair).collect::<Vec<_>>().join("&"))
    }

    /// Which bodies it takes, of this media type.
    #[must_use]
    pub fn takes(&self, content_type: &str) -> Takes {
        let Some(Body { types, .. }) = &self.body else { return Takes::None };
        match types.find(content_type) {
            Some(Some(_)) => Takes::Described,
            Some(None) => Takes::Anything,
            None if types.0.is_empty() => Takes::Anything,
            None => Takes::Others(types.names()),
        }
    }

    /// What is wrong with a request's body, or the body without what no schema names, when that is asked for and there is such.
    ///
    /// # Errors
    /// [`Faults`], of which there is at least one.
    pub fn body(
        &self,
        content_type: &str,
        value: &Value,
        unknown: UnknownFields,
        now: Now,
    ) -> Result<Option<Value>, Faults> {
        let rest = self.json(content_type, &Tree::from(value), unknown, now)?;
        Ok(rest.map(|rest| rest.root().into()))
    }

    /// The same of a body as the scanner read it.
    ///
    /// # Errors
    /// [`Faults`], of which there is at least one.
    pub fn json(
        &self,
        content_type: &str,
        value: &Tree,
        unknown: UnknownFields,
        now: Now,
    ) -> Result<Option<Tree>, Faults> {
        let Some(body) = &self.body else {
            return Err(one(Place::Body, "requestBody", "no body", Instance::from(value).class()));
        };
        let Some(found) = body.types.find(content_type) else {
            if body.types.0.is_empty() {
                return Ok(None);
            }
            return Err(one(Place::Body, "content", body.types.names(), "another media type"));
        };
        let Some(node) = found else { return Ok(None) };
        let manner = Manner { unknown, direction: Direction::Request, now };
        if unknown == UnknownFields::Strip {
            return check::stripped(&self.nodes, node, value, manner);
        }
        let faults = check::faults(&self.nodes, node, &value.into(), Spot::BODY, manner);
        if faults.is_empty() { Ok(None) } else { Err(faults) }
    }

    /// What is wrong with a request that has no body.
    #[must_use]
    pub fn without_body(&self) -> Faults {
        match &self.body {
            Some(body) if body.required => one(Place::Body, "required", "a body", "nothing"),
            _ => Faults::default(),
        }
    }

    /// The fields of a form as a value, each as its schema would have it.
    #[must_use]
    pub fn form(&self, content_type: &str, fields: &[(Cow<'_, str>, Cow<'_, str>)]) -> Value {
        let node = self.body.as_ref().and_then(|body| body.types.find(content_type)).flatten();
        super::form::object(&self.nodes, node, fields)
    }

    /// In what an answer differs from the document. Fields that no schema names are told unless they are allowed.
    #[must_use]
    pub fn answer(&self, status: u16, content_type: &str, value: &Value, unknown: UnknownFields, now: Now) -> Faults {
        let node = match self.promised(status, content_type) {
            Expects::Nothing => return undocumented(),
            Expects::OtherTypes(names) => return one(Place::Body, "content", names, "another media type"),
            Expects::Anything => return Faults::default(),
            Expects::Form(node) => node,
        };
        let unknown = if unknown == UnknownFields::Allow { unknown } else { UnknownFields::Reject };
        check::faults(
            &self.nodes,
            node,
            &Instance::from(&Tree::from(value)),
            Spot::BODY,
            Manner { unknown, direction: Direction::Answer, now },
        )
    }

    /// What is wrong with the head of an answer, and whether the document describes its body. A body that is `absent` needs no media type.
    #[must_use]
    pub fn answer_head(&self, status: u16, headers: &HeaderMap, absent: bool) -> (Faults, bool) {
        let Some(promise) = self.promise(status) else { return (undocumented(), false) };
        let mut faults = Faults::default();
        for name in promise.headers.iter().filter(|name| !headers.contains_key(name.as_str())) {
            let spot = Spot { place: Place::Header, name };
            faults.push(spot.because(String::new(), "required", "a value", "nothing"));
        }
        if absent {
            return (faults, false);
        }
        let kind = headers.get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
        let described = match self.promised(status, kind) {
            Expects::Form(_) => true,
            Expects::OtherTypes(names) => {
                let found = if kind.is_empty() { "none" } else { "another media type" };
                let spot = Spot { place: Place::Header, name: CONTENT_TYPE.as_str() };
                faults.push(spot.because(String::new(), "content", names, found));
                false
            }
            Expects::Anything | Expects::Nothing => false,
        };
        (faults, described)
    }

    /// Whether any of its schemas names such a field.
    pub(super) fn names(&self, field: &str) -> bool {
        self.nodes.names.contains(field)
    }

    fn promised(&self, status: u16, content_type: &str) -> Expects {
        let Some(Promise { types, .. }) = self.promise(status) else { return Expects::Nothing };
        match types.find(content_type) {
            Some(Some(node)) => Expects::Form(node),
            Some(None) => Expects::Anything,
            None if types.0.is_empty() => Expects::Anything,
            None => Expects::OtherTypes(types.names()),
        }
    }

    /// What the document says of a status: itself, its class, or all others.
    fn promise(&self, status: u16) -> Option<&Promise> {
        let named = |wanted: &str| self.answers.iter().find(|(name, _)| name.eq_ignore_ascii_case(wanted));
        let found = named(&status.to_string()).or_else(|| named(&format!("{}XX", status / 100)));
        found.or_else(|| named("default")).map(|(_, promise)| promise)
    }

    fn parameter(&self, place: Place, name: &str) -> Option<usize> {
        self.parameters.iter().position(|one| one.place == place && one.name == name)
    }

    fn is_credential(&self, name: &str) -> bool {
        self.credentials.iter().any(|known| known == name)
    }
}

/// What is promised of a body.
enum Expects {
    /// Nothing: the status is not in the document.
    Nothing,
    /// That it is of one of these other media types.
    OtherTypes(String),
    /// Nothing more than its media type.
    Anything,
    /// That it has this form.
    Form(NodeId),
}

fn undocumented() -> Faults {
    one(Place::Message, "responses", "a status that the document has", "another status")
}

/// Faults of which there is one.
pub(super) fn one(
    place: Place,
    rule: &'static str,
    expected: impl Into<Cow<'static, str>>,
    found: impl Into<Cow<'static, str>>,
) -> Faults {
    let mut faults = Faults::default();
    faults.push(Spot { place, name: "" }.because(String::new(), rule, expected, found));
    faults
}

impl Given<'_> {
    /// A value in its encoding.
    fn encoded(&mut self, place: usize, text: &str) {
        match percent::decoded(text, false) {
            Some(text) => self.value(place, &text),
            None => self.broken(place),
        }
    }

    fn broken(&mut self, place: usize) {
        if let Some(parameter) = self.operation.parameters.get(place) {
            self.seen |= 1 << place;
            let fault =
                parameter.spot().because(String::new(), "encoding", "UTF-8, percent-encoded", "another encoding");
            self.faults.push(fault);
        }
    }

    /// A value of a parameter, which may be one of several.
    fn value(&mut self, place: usize, text: &str) {
        let Some(parameter) = self.operation.parameters.get(place) else { return };
        let again = self.seen & (1 << place) != 0;
        self.seen |= 1 << place;
        if parameter.repeats() {
            self.several.push((place, text.to_owned()));
        } else if again {
            // Servers differ in which of two they take.
            self.faults.push(parameter.spot().because(String::new(), "once", "one value", "several"));
        } else {
            let faults = parameter.text(&self.operation.nodes, text, self.manner);
            if !faults.is_empty() {
                self.faults.append(faults);
            }
        }
    }

    fn query(&mut self, query: &str) {
        for (_, decoded) in pairs(query) {
            let Some((name, value)) = decoded else {
                self.faults.append(one(Place::Query, "encoding", "UTF-8, percent-encoded", "another encoding"));
                continue;
            };
            match self.operation.parameter(Place::Query, &name) {
                Some(place) => self.value(place, &value),
                None if self.manner.unknown != UnknownFields::Reject || self.operation.is_credential(&name) => {}
                None => {
                    let spot = Spot { place: Place::Query, name: &name };
                    let found = Instance::Text(&value).class();
                    self.faults.push(spot.because(String::new(), "parameters", "no parameter of this name", found));
                }
            }
        }
    }

    fn headers(&mut self, headers: &HeaderMap) {
        let operation = self.operation;
        for (place, parameter) in operation.parameters.iter().enumerate() {
            if parameter.place != Place::Header {
                continue;
            }
            for value in headers.get_all(&parameter.name) {
                match std::str::from_utf8(value.as_bytes()) {
                    Ok(text) => self.value(place, text.trim()),
                    Err(_) => self.broken(place),
                }
            }
        }
    }

    fn cookies(&mut self, headers: &HeaderMap) {
        let operation = self.operation;
        if !operation.parameters.iter().any(|parameter| parameter.place == Place::Cookie) {
            return;
        }
        let lines = headers.get_all(COOKIE).iter().filter_map(|line| line.to_str().ok());
        for (name, value) in lines.flat_map(|line| line.split(';')).filter_map(|pair| pair.split_once('=')) {
            if let Some(place) = operation.parameter(Place::Cookie, name.trim()) {
                self.encoded(place, value.trim().trim_matches('"'));
            }
        }
    }

    /// Looks at what was given several times, and for what was not given at all.
    fn finish(mut self) -> Faults {
        for (place, parameter) in self.operation.parameters.iter().enumerate() {
            if self.seen & (1 << place) == 0 {
                if parameter.required {
                    self.faults.push(parameter.spot().because(String::new(), "required", "a value", "nothing"));
                }
            } else if parameter.repeats() {
                let texts = self.several.iter().filter(|(of, _)| *of == place).map(|(_, text)| text.as_str());
                let faults = parameter.texts(&self.operation.nodes, texts, self.manner);
                self.faults.append(faults);
            }
        }
        self.faults
    }
}
