//! The operations of a document: what stands under `paths`.

use std::sync::Arc;

use http::Method;
use serde_json::{Map, Value};

use crate::schema::{
    Operation,
    at::escaped,
    compile::{Compiler, DocumentError, resolve},
    fault::Place,
    kinds::Kinds,
    media::MediaTypes,
    operation::{Body, Promise},
    parameter::{Parameter, Style},
    parameters::{self, Parameters},
    paths::{Paths, Segment, template},
};

const METHODS: [(&str, Method); 8] = [
    ("get", Method::GET),
    ("put", Method::PUT),
    ("post", Method::POST),
    ("delete", Method::DELETE),
    ("options", Method::OPTIONS),
    ("head", Method::HEAD),
    ("patch", Method::PATCH),
    ("trace", Method::TRACE),
];

type Object = Map<String, Value>;
type Result<T> = std::result::Result<T, DocumentError>;

/// All operations, and how they are found. Their schemas are compiled when the compiler is done.
pub(super) fn read<'d>(root: &'d Value, compiler: &mut Compiler<'d>) -> Result<(Paths, Vec<Operation>)> {
    let mut reader =
        Reader { root, compiler, credentials: credentials(root), paths: Paths::default(), operations: Vec::new() };
    let paths = match root.get("paths") {
        Some(Value::Object(paths)) => Some(paths),
        None => None,
        Some(_) => return Err(DocumentError::new("/paths", "expected an object")),
    };
    for (path, item) in paths.into_iter().flatten().filter(|(path, _)| !path.starts_with("x-")) {
        reader.path(path, item, &format!("/paths/{}", escaped(path)))?;
    }
    Ok((reader.paths, reader.operations))
}

/// Adds what is known of parameters once all schemas are compiled.
pub(super) fn settle(operation: &mut Operation) -> Result<()> {
    operation.parameters.settle(&operation.nodes).map_err(|parameter| {
        let reason = format!(
            "the parameter \"{parameter}\" of {} is an object, which is supported as `content` with `application/json` only",
            operation.name
        );
        DocumentError::new("", reason)
    })
}

struct Reader<'d, 'c> {
    root: &'d Value,
    compiler: &'c mut Compiler<'d>,
    credentials: Arc<[String]>,
    paths: Paths,
    operations: Vec<Operation>,
}

impl<'d> Reader<'d, '_> {
    fn path(&mut self, path: &str, item: &'d Value, at: &str) -> Result<()> {
        let (item, at) = self.object(item, at)?;
        let servers = item.get("servers").or_else(|| self.root.get("servers"));
        let segments = template(path).map_err(|reason| DocumentError::new(&at, reason))?;
        for (word, method) in &METHODS {
            let Some(operation) = item.get(*word) else { continue };
            let here = format!("{at}/{word}");
            let operation = self.operation(&format!("{method} {path}"), operation, item, &segments, (&here, &at))?;
            self.operations.push(operation);
            for base in bases(servers) {
                let base = template(&base).map_err(|reason| DocumentError::new("/servers", reason))?;
                let whole = [&*base, &*segments].concat();
                if !self.paths.insert(&whole, method, self.operations.len() - 1) {
                    return Err(DocumentError::new(&here, "another path of the document is for the same requests"));
                }
            }
        }
        Ok(())
    }

    fn operation(
        &mut self,
        name: &str,
        operation: &'d Value,
        item: &'d Object,
        segments: &[Segment],
        (at, item_at): (&str, &str),
    ) -> Result<Operation> {
        let (operation, at) = self.object(operation, at)?;
        let mut parameters: Vec<Parameter> = Vec::new();
        for (list, at) in [(item.get("parameters"), item_at), (operation.get("parameters"), &at)] {
            for (place, parameter) in list.and_then(Value::as_array).into_iter().flatten().enumerate() {
                let Some(parameter) = self.parameter(parameter, &format!("{at}/parameters/{place}"))? else { continue };
                parameters.retain(|known| (known.place, &known.name) != (parameter.place, &parameter.name));
                parameters.push(parameter);
            }
        }
        if parameters.len() > parameters::MOST {
            let reason = format!("an operation has {} parameters at most", parameters::MOST);
            return Err(DocumentError::new(&at, reason));
        }
        let captured = segments.iter().filter_map(|segment| match segment {
            Segment::Parameter(name) => {
                Some(parameters.iter().position(|one| one.place == Place::Path && one.name == *name))
            }
            Segment::Literal(_) => None,
        });
        let captured: Vec<_> = captured.collect();
        let in_path = |(place, one): (usize, &Parameter)| one.place == Place::Path && !captured.contains(&Some(place));
        if let Some(stray) = parameters.iter().enumerate().find(|one| in_path(*one)) {
            let reason = format!("the path has no parameter \"{}\"", stray.1.name);
            return Err(DocumentError::new(&format!("{at}/parameters"), reason));
        }
        Ok(Operation {
            name: name.to_owned(),
            parameters: Parameters::new(parameters, captured, Arc::clone(&self.credentials)),
            body: self.body(operation, &at)?,
            answers: self.answers(operation, &at)?,
            ..Operation::default()
        })
    }

    fn parameter(&mut self, parameter: &'d Value, at: &str) -> Result<Option<Parameter>> {
        let (parameter, at) = self.object(parameter, at)?;
        let text = |word: &str| parameter.get(word).and_then(Value::as_str);
        let missing = |word: &str| DocumentError::new(&at, format!("a parameter has its `{word}` as text"));
        let name = text("name").ok_or_else(|| missing("name"))?;
        let place = match text("in").ok_or_else(|| missing("in"))? {
            "path" => Place::Path,
            "query" => Place::Query,
            "header" => Place::Header,
            "cookie" => Place::Cookie,
            _ => return Err(DocumentError::new(&format!("{at}/in"), "expected path, query, header or cookie")),
        };
        // The standard gives these a meaning of their own (OpenAPI 3.1, 4.8.12.1).
        let special = ["accept", "content-type", "authorization"];
        if place == Place::Header && special.iter().any(|one| name.eq_ignore_ascii_case(one)) {
            return Ok(None);
        }
        let (style, node) = self.form(parameter, place, &at)?;
        let flag = |word: &str| parameter.get(word).and_then(Value::as_bool).unwrap_or_default();
        Ok(Some(Parameter {
            place,
            name: if place == Place::Header { name.to_ascii_lowercase() } else { name.to_owned() },
            required: flag("required") || place == Place::Path,
            style,
            node,
            kinds: Kinds::ALL,
            item_kinds: Kinds::ALL,
        }))
    }

    /// How a parameter is written, and its schema.
    fn form(&mut self, parameter: &'d Object, place: Place, at: &str) -> Result<(Style, usize)> {
        static ANYTHING: Value = Value::Bool(true);
        if let Some(content) = parameter.get("content").and_then(Value::as_object) {
            let Some(media) = content.get("application/json") else {
                return Err(DocumentError::new(&format!("{at}/content"), "only `application/json` is supported here"));
            };
            let schema = media.get("schema").unwrap_or(&ANYTHING);
            return Ok((Style::Json, self.compiler.schema(&format!("{at}/content/application~1json/schema"), schema)?));
        }
        let in_pairs = matches!(place, Place::Query | Place::Cookie);
        let style = parameter.get("style").and_then(Value::as_str).unwrap_or(if in_pairs { "form" } else { "simple" });
        let explode = parameter.get("explode").and_then(Value::as_bool).unwrap_or(style == "form");
        let style = match (style, explode) {
            ("form", true) if in_pairs => Style::Repeated,
            ("form", false) if in_pairs => Style::Divided(','),
            ("spaceDelimited", false) if place == Place::Query => Style::Divided(' '),
            ("pipeDelimited", false) if place == Place::Query => Style::Divided('|'),
            ("spaceDelimited" | "pipeDelimited", true) if place == Place::Query => Style::Repeated,
            ("simple", _) if !in_pairs => Style::Divided(','),
            (other, _) => {
                let reason = format!(
                    "the style \"{other}\" is not supported here; form, spaceDelimited, pipeDelimited and simple are, and `content` with `application/json`"
                );
                return Err(DocumentError::new(&format!("{at}/style"), reason));
            }
        };
        let schema = parameter.get("schema").unwrap_or(&ANYTHING);
        Ok((style, self.compiler.schema(&format!("{at}/schema"), schema)?))
    }

    fn body(&mut self, operation: &'d Object, at: &str) -> Result<Option<Body>> {
        let Some(body) = operation.get("requestBody") else { return Ok(None) };
        let (body, at) = self.object(body, &format!("{at}/requestBody"))?;
        let required = body.get("required").and_then(Value::as_bool).unwrap_or_default();
        Ok(Some(Body { required, types: self.content(body, &at)? }))
    }

    fn answers(&mut self, operation: &'d Object, at: &str) -> Result<Vec<(String, Promise)>> {
        let answers = operation.get("responses").and_then(Value::as_object).into_iter().flatten();
        let mut out = Vec::new();
        for (status, answer) in answers.filter(|(status, _)| !status.starts_with("x-")) {
            let (answer, at) = self.object(answer, &format!("{at}/responses/{}", escaped(status)))?;
            let headers = self.required_headers(answer, &at)?;
            out.push((status.clone(), Promise { types: self.content(answer, &at)?, headers }));
        }
        Ok(out)
    }

    /// The headers that an answer has to have. Of `Content-Type`, its media types say more (OpenAPI 3.1, 4.8.17.1).
    fn required_headers(&self, answer: &'d Object, at: &str) -> Result<Vec<String>> {
        let mut out = Vec::new();
        for (name, header) in answer.get("headers").and_then(Value::as_object).into_iter().flatten() {
            let (header, _) = self.object(header, &format!("{at}/headers/{}", escaped(name)))?;
            let required = header.get("required").and_then(Value::as_bool).unwrap_or_default();
            if required && !name.eq_ignore_ascii_case("content-type") {
                out.push(name.to_ascii_lowercase());
            }
        }
        Ok(out)
    }

    fn content(&mut self, of: &'d Object, at: &str) -> Result<MediaTypes> {
        let mut types = MediaTypes::default();
        for (name, media) in of.get("content").and_then(Value::as_object).into_iter().flatten() {
            let at = format!("{at}/content/{}/schema", escaped(name));
            let node = match media.get("schema") {
                Some(schema) => Some(self.compiler.schema(&at, schema)?),
                None => None,
            };
            types.0.push((crate::schema::media::essence(name).to_owned(), node));
        }
        Ok(types)
    }

    /// An object, behind its reference when it is one.
    fn object(&self, value: &'d Value, at: &str) -> Result<(&'d Object, String)> {
        const MOST: usize = 16;
        let (mut value, mut at) = (value, at.to_owned());
        for _ in 0..MOST {
            let Some(object) = value.as_object() else {
                return Err(DocumentError::new(&at, "expected an object"));
            };
            let Some(reference) = object.get("$ref").and_then(Value::as_str) else { return Ok((object, at)) };
            (at, value) = resolve(self.root, &at, reference)?;
        }
        Err(DocumentError::new(&at, "references lead from one to the next and to no end"))
    }
}

/// Names of queries that hold API keys, which no operation lists among its parameters.
fn credentials(root: &Value) -> Arc<[String]> {
    let schemes = root.pointer("/components/securitySchemes").and_then(Value::as_object);
    let in_query = |scheme: &&Value| scheme.get("in").and_then(Value::as_str) == Some("query");
    let names =
        schemes.into_iter().flat_map(Map::values).filter(in_query).filter_map(|scheme| scheme.get("name")?.as_str());
    names.map(str::to_owned).collect()
}

/// The paths at which the application is mounted, by its servers' addresses; `/` when it names none.
#[must_use]
pub fn bases(servers: Option<&Value>) -> Vec<String> {
    const MOST: usize = 8;
    let mut out: Vec<String> = Vec::new();
    for server in servers.and_then(Value::as_array).into_iter().flatten().take(MOST) {
        let mut url = server.get("url").and_then(Value::as_str).unwrap_or("/").to_owned();
        for (name, variable) in server.get("variables").and_then(Value::as_object).into_iter().flatten() {
            let default = variable.get("default").and_then(Value::as_str).unwrap_or_default();
            url = url.replace(&format!("{{{name}}}"), default);
        }
        let path = match url.split_once("://") {
            Some((_, rest)) => rest.find('/').and_then(|at| rest.get(at..)).unwrap_or("/"),
            None => &url,
        };
        let path = format!("/{}", path.trim_matches('/')).to_ascii_lowercase();
        if !out.contains(&path) {
            out.push(path);
        }
    }
    if out.is_empty() { vec!["/".to_owned()] } else { out }
}
