//! The parameters of an operation, and what a request's head has for them.

use std::sync::Arc;

use http::{HeaderMap, header::COOKIE};
use seawall_core::http::percent;

use super::{
    UnknownFields,
    check::Manner,
    fault::{Faults, Place, Spot, one},
    form,
    instance::Instance,
    kinds::Kinds,
    node::Nodes,
    pairs::{Pair, pairs},
    parameter::{Parameter, Style},
    paths::bare,
};

/// The most parameters of an operation: they are bits of a word.
pub(super) const MOST: usize = 128;

/// The parameters of an operation, prepared so that a request costs what it has, not what it might have.
#[derive(Debug, Default)]
pub(super) struct Parameters {
    list: Vec<Parameter>,
    /// The parameters of the template in its order, by their place in the list.
    captured: Vec<Option<usize>>,
    /// Names in queries that stand for credentials, which documents list elsewhere.
    credentials: Arc<[String]>,
    /// By their bits: those that have to be there, and those of several values.
    required: u128,
    repeating: u128,
    /// Whether any is in headers, and in cookies.
    in_headers: bool,
    in_cookies: bool,
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

impl Parameters {
    /// At most [`MOST`] of them. `captured` has those of the template in its order, by their place in the list.
    pub(super) fn new(list: Vec<Parameter>, captured: Vec<Option<usize>>, credentials: Arc<[String]>) -> Self {
        Self { list, captured, credentials, ..Self::default() }
    }

    /// Adds what is known once all schemas are compiled.
    ///
    /// # Errors
    /// The name of a parameter that is an object, which no style of text here has.
    pub(super) fn settle(&mut self, nodes: &Nodes) -> Result<(), String> {
        for (place, parameter) in self.list.iter_mut().enumerate() {
            parameter.kinds = nodes.kinds(parameter.node);
            parameter.item_kinds = form::items(nodes, parameter.node);
            let only_object = parameter.kinds.and(Kinds::OBJECT.or(Kinds::NULL)) == parameter.kinds;
            if only_object && parameter.kinds.has(Kinds::OBJECT) && parameter.style != Style::Json {
                return Err(parameter.name.clone());
            }
            self.required |= u128::from(parameter.required) << place;
            self.repeating |= u128::from(parameter.repeats()) << place;
            self.in_headers |= parameter.place == Place::Header;
            self.in_cookies |= parameter.place == Place::Cookie;
        }
        Ok(())
    }

    /// What is wrong with them. Nothing is allocated for a head that has only single values, none of them encoded.
    pub(super) fn faults(&self, nodes: &Nodes, parts: Parts<'_>, manner: Manner) -> Faults {
        let nothing =
            || Given { parameters: self, nodes, manner, faults: Faults::default(), seen: 0, several: Vec::new() };
        let mut given = nothing();
        for (text, place) in parts.captured.iter().zip(&self.captured) {
            let Some(place) = *place else { continue };
            given.encoded(place, text);
            // What an application makes of parameters in the path is its own: either reading has to be right.
            let bare = bare(text);
            if bare.len() < text.len() {
                let mut other = nothing();
                other.encoded(place, bare);
                given.faults.append(other.faults);
            }
        }
        if let Some(query) = parts.query {
            given.query(query);
        }
        if self.in_headers {
            given.headers(parts.headers);
        }
        if self.in_cookies {
            given.cookies(parts.headers);
        }
        given.finish()
    }

    /// The query without what the document does not name; nothing when it has only what is named.
    pub(super) fn stripped_query(&self, query: &str) -> Option<String> {
        let known = |name: &str| self.find(Place::Query, name).is_some() || self.is_credential(name);
        let kept = |decoded: &Option<Pair<'_>>| decoded.as_ref().is_none_or(|(name, _)| known(name));
        if pairs(query).all(|(_, decoded)| kept(&decoded)) {
            return None;
        }
        Some(pairs(query).filter(|(_, decoded)| kept(decoded)).map(|(pair, _)| pair).collect::<Vec<_>>().join("&"))
    }

    fn find(&self, place: Place, name: &str) -> Option<usize> {
        self.list.iter().position(|one| one.place == place && one.name == name)
    }

    fn is_credential(&self, name: &str) -> bool {
        self.credentials.iter().any(|known| known == name)
    }
}

/// What is known of the parameters so far.
struct Given<'o> {
    parameters: &'o Parameters,
    nodes: &'o Nodes,
    manner: Manner,
    faults: Faults,
    seen: u128,
    /// Values of parameters that may be given several times.
    several: Vec<(usize, String)>,
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
        if let Some(parameter) = self.parameters.list.get(place) {
            self.seen |= 1 << place;
            let fault =
                parameter.spot().because(String::new(), "encoding", "UTF-8, percent-encoded", "another encoding");
            self.faults.push(fault);
        }
    }

    /// A value of a parameter, which may be one of several.
    fn value(&mut self, place: usize, text: &str) {
        let Some(parameter) = self.parameters.list.get(place) else { return };
        let bit = 1 << place;
        let again = self.seen & bit != 0;
        self.seen |= bit;
        if self.parameters.repeating & bit != 0 {
            self.several.push((place, text.to_owned()));
        } else if again {
            // Servers differ in which of two they take.
            self.faults.push(parameter.spot().because(String::new(), "once", "one value", "several"));
        } else {
            let faults = parameter.text(self.nodes, text, self.manner);
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
            match self.parameters.find(Place::Query, &name) {
                Some(place) => self.value(place, &value),
                None if self.manner.unknown != UnknownFields::Reject || self.parameters.is_credential(&name) => {}
                None => {
                    let spot = Spot { place: Place::Query, name: &name };
                    let found = Instance::Text(&value).class();
                    self.faults.push(spot.because(String::new(), "parameters", "no parameter of this name", found));
                }
            }
        }
    }

    fn headers(&mut self, headers: &HeaderMap) {
        let all = self.parameters.list.iter().enumerate();
        for (place, parameter) in all.filter(|(_, parameter)| parameter.place == Place::Header) {
            for value in headers.get_all(&parameter.name) {
                match std::str::from_utf8(value.as_bytes()) {
                    Ok(text) => self.value(place, text.trim()),
                    Err(_) => self.broken(place),
                }
            }
        }
    }

    fn cookies(&mut self, headers: &HeaderMap) {
        let pairs = headers.get_all(COOKIE).iter().flat_map(|line| line.as_bytes().split(|&byte| byte == b';'));
        for pair in pairs {
            let Some(at) = pair.iter().position(|&byte| byte == b'=') else { continue };
            let Some((name, value)) = pair.split_at_checked(at) else { continue };
            let Ok(name) = std::str::from_utf8(name) else { continue };
            let Some(place) = self.parameters.find(Place::Cookie, name.trim()) else { continue };
            match std::str::from_utf8(value.get(1..).unwrap_or_default()) {
                Ok(value) => self.encoded(place, value.trim().trim_matches('"')),
                Err(_) => self.broken(place),
            }
        }
    }

    /// Looks at what was given several times, and for what was not given at all.
    fn finish(mut self) -> Faults {
        let Parameters { list, required, repeating, .. } = self.parameters;
        let (missing, several) = (required & !self.seen, repeating & self.seen);
        if missing | several == 0 {
            return self.faults;
        }
        for (place, parameter) in list.iter().enumerate() {
            if missing & (1 << place) != 0 {
                self.faults.push(parameter.spot().because(String::new(), "required", "a value", "nothing"));
            } else if several & (1 << place) != 0 {
                let texts = self.several.iter().filter(|(of, _)| *of == place).map(|(_, text)| text.as_str());
                let faults = parameter.texts(self.nodes, texts, self.manner);
                self.faults.append(faults);
            }
        }
        self.faults
    }
}
