//! Putting both together: the application's words stand, and what it leaves out is added.

use http::{Method, StatusCode};
use seawall_config::Config;
use seawall_core::settings::BadSetting;
use seawall_guards::{
    Policy,
    additions::{Additions, Operated},
    body, form, json as shape,
    schema::{self, UnknownFields},
};
use seawall_outbound::llm;
use seawall_proxy::{Route, Router};
use serde_json::{Map, Value, json};

use super::{
    Parts, added,
    answers::{self, Answers},
    closed::Closed,
    own::{EXPOSED, OWN, schemas},
    shapes,
};

type Object = Map<String, Value>;

const METHODS: [&str; 8] = ["get", "put", "post", "delete", "options", "head", "patch", "trace"];

/// The most references that lead from one to the next.
const MOST_REFERENCES: usize = 16;

/// A document that grows.
#[derive(Debug)]
pub(super) struct Merge<'a> {
    parts: &'a Parts<'a>,
    application: Value,
    answers: Answers,
    closed: Closed,
}

impl<'a> Merge<'a> {
    /// Of an application's document, which was compiled before.
    pub(super) fn new(parts: &'a Parts<'a>, application: Value) -> Self {
        let version = application.get("openapi").and_then(Value::as_str).unwrap_or_default();
        let closed = Closed::new(version);
        Self { parts, application, answers: Answers::default(), closed }
    }

    /// The whole document.
    ///
    /// # Errors
    /// [`BadSetting`] when the settings are not checked ones.
    pub(super) fn finish(mut self) -> Result<Value, BadSetting> {
        let mut paths = self.paths()?;
        self.own_paths(&mut paths)?;
        let mut out = self.application;
        let version = out.get("openapi").and_then(Value::as_str).unwrap_or_default().to_owned();
        let components = object_at(&mut out, "components");
        let own = object_at_map(components, "schemas");
        own.extend(self.closed.finish());
        own.extend(schemas(&version, self.parts.credentials.is_some()));
        own.insert(shapes::PROBLEM.to_owned(), shapes::problem());
        object_at_map(components, "headers").extend(self.answers.headers());
        object_at_map(components, "responses").extend(self.answers.responses());
        if let Some(credentials) = &self.parts.credentials {
            object_at_map(components, "securitySchemes").extend(shapes::security(credentials));
        }
        if let Some(root) = out.as_object_mut() {
            root.insert("paths".to_owned(), Value::Object(paths));
        }
        Ok(out)
    }

    /// The application's paths with what is added to each.
    fn paths(&mut self) -> Result<Object, BadSetting> {
        let mut paths = self.application.get("paths").and_then(Value::as_object).cloned().unwrap_or_default();
        for (path, item) in paths.iter_mut().filter(|(path, _)| path.starts_with('/')) {
            if item.get("$ref").is_some() {
                *item = self.resolved(item).clone();
            }
            let servers = item.get("servers").or_else(|| self.application.get("servers"));
            let base = schema::bases(servers).into_iter().next().unwrap_or_default();
            let whole = format!("{}{path}", base.trim_end_matches('/'));
            for method in METHODS {
                let Some(Value::Object(operation)) = item.get(method) else { continue };
                let shared = names(item.get("parameters"), |parameter| self.resolved(parameter));
                let operation = self.operation(method, &whole, operation.clone(), &shared)?;
                if let Some(item) = item.as_object_mut() {
                    item.insert(method.to_owned(), Value::Object(operation));
                }
            }
        }
        Ok(paths)
    }

    /// The route of an operation.
    fn route(&self, method: &Method, path: &str) -> &'a Route {
        let router = self.parts.router;
        Router::route(router, router.find(method, path))
    }

    /// An operation of the application; all of its path have header fields of these names.
    fn operation(
        &mut self,
        method: &str,
        path: &str,
        mut operation: Object,
        shared: &[String],
    ) -> Result<Object, BadSetting> {
        let method = known(method);
        let policy = &self.route(&method, path).policy;
        let body = operation.contains_key("requestBody");
        let operated = Operated { method: &method, path, body };
        let added = added::of_policy(self.parts.config, policy, &operated, true)?;
        self.asked(&mut operation, &added, shared);
        self.answered(&mut operation, &added);
        let access = added::enforces(policy, "access");
        if access && self.parts.credentials.is_some() && !operation.contains_key("security") {
            let ways = shapes::SCHEMES.map(|scheme| json!({ scheme: [] }));
            operation.insert("security".to_owned(), json!(ways));
        }
        if body {
            self.taken(policy, &mut operation)?;
            operation.insert("x-seawall-limits".to_owned(), limits(self.parts.config, policy)?);
        }
        Ok(operation)
    }

    /// Says of the body that nothing else is taken, where that is so.
    fn taken(&mut self, policy: &Policy, operation: &mut Object) -> Result<(), BadSetting> {
        let values = added::values(self.parts.config, policy, &schema::SECTION);
        let closes = values.get(&schema::UNKNOWN_FIELDS)? == UnknownFields::Reject;
        if !closes || !added::enforces(policy, "schema") || !values.get(&schema::BODY)?.is_empty() {
            return Ok(());
        }
        if let Some(body) = operation.get_mut("requestBody") {
            let mut whole = self.resolved(body).clone();
            self.closed.body(&self.application, &mut whole);
            *body = whole;
        }
        Ok(())
    }

    /// Adds the fields that requests have to send, or can.
    fn asked(&self, operation: &mut Object, added: &Additions, shared: &[String]) {
        let own = names(operation.get("parameters"), |parameter| self.resolved(parameter));
        let known = |name: &str| own.iter().chain(shared).any(|known| known.eq_ignore_ascii_case(name));
        let sent: Vec<_> = added.sent.iter().filter(|sent| !known(&sent.name)).map(shapes::parameter).collect();
        if !sent.is_empty()
            && let Value::Array(parameters) = operation.entry("parameters").or_insert_with(|| json!([]))
        {
            parameters.extend(sent);
        }
    }

    /// Adds answers that are missing and, to those that are there, fields and the form of problems.
    fn answered(&mut self, operation: &mut Object, added: &Additions) {
        let Value::Object(responses) = operation.entry("responses").or_insert_with(|| json!({})) else { return };
        for (status, means) in &added.answers {
            responses.entry(status.as_str()).or_insert_with(|| json!({ "description": means }));
        }
        for (status, answer) in responses.iter_mut().filter(|(status, _)| !status.starts_with("x-")) {
            if answer.get("$ref").is_some() {
                // What stands beside a reference is not read by all.
                *answer = self.resolved(answer).clone();
            }
            let Value::Object(answer) = answer else { continue };
            let fields = object_at_map(answer, "headers");
            let here = |only: Option<StatusCode>| only.is_none_or(|only| *status == only.as_str());
            for given in added.given.iter().filter(|given| here(given.only)) {
                if !fields.keys().any(|known| known.eq_ignore_ascii_case(given.name)) {
                    fields.insert(given.name.to_owned(), self.answers.field(given));
                }
            }
        }
        for (status, problems) in answers::by_status(&added.problems) {
            match responses.get_mut(&status.to_string()) {
                Some(Value::Object(answer)) => {
                    answer.insert("x-seawall-problems".to_owned(), json!(answers::slugs(&problems)));
                    let content = object_at_map(answer, "content");
                    if let Value::Object(ours) = answers::content() {
                        for (kind, form) in ours {
                            content.entry(kind).or_insert(form);
                        }
                    }
                }
                _ => drop(responses.insert(status.to_string(), self.answers.reference(status, &problems))),
            }
        }
    }

    /// Seawall's own paths, at the root of the host wherever the application is mounted.
    fn own_paths(&mut self, paths: &mut Object) -> Result<(), BadSetting> {
        let named = llm::exposed(self.parts.config.entries(&llm::ROUTES))?;
        let of_models = |name: &&str| EXPOSED.each_ref().map(|own| (own, own.path.replace("{route}", name)));
        let of_models = named.iter().flat_map(of_models).collect::<Vec<_>>();
        let own = OWN.iter().filter(|own| self.parts.credentials.is_some() || !own.identifies());
        for (own, path) in own.map(|own| (own, own.path.replace("{*", "{"))).chain(of_models) {
            let path = format!("{}/{path}", self.parts.prefix);
            let method = known(own.method);
            let policy = &self.route(&method, &path).policy;
            let mut operation = own.operation(&path);
            let operated = Operated { method: &method, path: &path, body: operation.contains_key("requestBody") };
            let added = added::of_policy(self.parts.config, policy, &operated, false)?;
            self.answered(&mut operation, &added);
            let item = paths.entry(path).or_insert_with(|| json!({ "servers": [{ "url": "/" }] }));
            if let Value::Object(item) = item {
                item.insert(own.method.to_owned(), Value::Object(operation));
            }
        }
        Ok(())
    }

    /// What a reference inside the document leads to.
    fn resolved<'v>(&'v self, value: &'v Value) -> &'v Value {
        let mut here = value;
        for _ in 0..MOST_REFERENCES {
            let pointer = here.get("$ref").and_then(Value::as_str).and_then(|reference| reference.strip_prefix('#'));
            match pointer.and_then(|pointer| self.application.pointer(pointer)) {
                Some(next) => here = next,
                None => break,
            }
        }
        here
    }
}

/// A method by its name in documents.
fn known(method: &str) -> Method {
    Method::from_bytes(method.to_ascii_uppercase().as_bytes()).unwrap_or_default()
}

/// The names of the header fields among parameters.
fn names<'v>(parameters: Option<&'v Value>, resolved: impl Fn(&'v Value) -> &'v Value) -> Vec<String> {
    let parameters = parameters.and_then(Value::as_array).into_iter().flatten().map(resolved);
    let in_header = |parameter: &&Value| parameter.get("in").and_then(Value::as_str) == Some("header");
    parameters.filter(in_header).filter_map(|one| one.get("name")?.as_str().map(str::to_owned)).collect()
}

/// How large bodies may be where a policy holds, for those who write forms (checklist ST-5).
fn limits(config: &Config, policy: &Policy) -> Result<Value, BadSetting> {
    let mut out = Object::new();
    if added::enforces(policy, "body") {
        let most = added::values(config, policy, &body::SECTION).get(&body::MAX)?;
        out.insert("body_bytes".to_owned(), most.bytes().into());
    }
    if added::enforces(policy, "json") {
        let values = added::values(config, policy, &shape::SECTION);
        for field in [&shape::DEPTH, &shape::ITEMS, &shape::KEYS, &shape::CHARACTERS] {
            out.insert(field.key().to_owned(), values.get(field)?.into());
        }
    }
    if added::enforces(policy, "form") {
        let values = added::values(config, policy, &form::SECTION);
        let mut of_forms = Object::new();
        for field in [&form::FIELDS, &form::CHARACTERS, &form::DEPTH, &form::FILES] {
            of_forms.insert(field.key().to_owned(), values.get(field)?.into());
        }
        of_forms.insert("file_bytes".to_owned(), values.get(&form::MAX_FILE)?.bytes().into());
        out.insert("form".to_owned(), Value::Object(of_forms));
    }
    Ok(Value::Object(out))
}

fn object_at<'v>(value: &'v mut Value, key: &str) -> &'v mut Object {
    if !value.is_object() {
        *value = json!({});
    }
    match value {
        Value::Object(map) => object_at_map(map, key),
        _ => unreachable!("it was made an object"),
    }
}

fn object_at_map<'v>(map: &'v mut Object, key: &str) -> &'v mut Object {
    let entry = map.entry(key).or_insert_with(|| json!({}));
    if !entry.is_object() {
        *entry = json!({});
    }
    match entry {
        Value::Object(map) => map,
        _ => unreachable!("it was made an object"),
    }
}
