//! One operation of a document, and what it says of a request and of its answers.

use std::{borrow::Cow, sync::Arc};

use http::{HeaderMap, header::CONTENT_TYPE};
use seawall_core::clock::Now;
use serde_json::Value;

use super::{
    UnknownFields,
    check::{self, Direction, Manner},
    fault::{Faults, Place, Spot, one},
    instance::Instance,
    media::MediaTypes,
    node::{NodeId, Nodes},
    parameters::{Parameters, Parts},
};
use crate::json::Tree;

/// An operation: a method at a path.
#[derive(Debug, Default)]
pub struct Operation {
    pub(super) nodes: Arc<Nodes>,
    /// The template, as logs may show it.
    pub(super) name: String,
    pub(super) parameters: Parameters,
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

impl Operation {
    /// Method and template.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What is wrong with the head of a request. Nothing is allocated for one that has only single values, none of them encoded.
    #[must_use]
    pub fn head(&self, parts: Parts<'_>, unknown: UnknownFields, now: Now) -> Faults {
        self.parameters.faults(&self.nodes, parts, Manner { unknown, direction: Direction::Request, now })
    }

    /// The query without what the document does not name; nothing when it has only what is named.
    #[must_use]
    pub fn stripped_query(&self, query: &str) -> Option<String> {
        self.parameters.stripped_query(query)
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
