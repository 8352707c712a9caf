//! The fields `Signature-Input` and `Signature` (RFC 9421 section 4): which signatures a request brings, and what each covers.

use http::HeaderMap;

use super::{BadComponent, BadField, Bare, Component, Member, Parameters, Value, dictionary};

/// A signature that a request brings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Input {
    /// What the request calls it.
    pub label: String,
    /// The parts that it covers, in their order.
    pub components: Vec<Component>,
    /// The last line of what is signed.
    pub parameters: String,
    /// When it was made, in seconds since 1970-01-01T00:00:00Z.
    pub created: Option<i64>,
    /// Until when it holds, in seconds since 1970-01-01T00:00:00Z.
    pub expires: Option<i64>,
    /// The key.
    pub key_id: Option<String>,
    /// The algorithm that it says it is made with.
    pub algorithm: Option<String>,
    /// The signature itself.
    pub signature: Vec<u8>,
}

/// Why the fields hold no signature that is taken.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadInput {
    /// A field is no dictionary.
    #[error("the field `{field}` is malformed: {fault}")]
    Field {
        /// Its name.
        field: &'static str,
        /// Why.
        fault: BadField,
    },
    /// A member is of another form.
    #[error("the signature \"{0}\" is not described by a list of what it covers")]
    NoList(String),
    /// There is nothing of this name in `Signature`.
    #[error("the signature \"{0}\" is described, and not in the field `Signature`")]
    NoSignature(String),
    /// A part that cannot be covered.
    #[error("the signature \"{label}\" cannot be verified: {fault}")]
    Component {
        /// The signature.
        label: String,
        /// Why.
        fault: BadComponent,
    },
    /// A part that is covered twice.
    #[error("the signature \"{0}\" covers something twice")]
    Twice(String),
    /// A parameter of another type.
    #[error("the parameter \"{parameter}\" of the signature \"{label}\" is of another type")]
    Parameter {
        /// The signature.
        label: String,
        /// The parameter.
        parameter: &'static str,
    },
}

/// The signatures that a request brings, in their order; none when it has no field `Signature-Input`.
///
/// # Errors
/// [`BadInput`].
pub fn inputs(headers: &HeaderMap) -> Result<Vec<Input>, BadInput> {
    let read = |field: &'static str| {
        dictionary(headers.get_all(field).iter().map(http::HeaderValue::as_bytes))
            .map_err(|fault| BadInput::Field { field, fault })
    };
    let described = read("signature-input")?;
    if described.is_empty() {
        return Ok(Vec::new());
    }
    let mut signatures = read("signature")?;
    described.into_iter().map(|member| input(member, &mut signatures)).collect()
}

fn input(member: Member, signatures: &mut Vec<Member>) -> Result<Input, BadInput> {
    let Member { name: label, value, parameters } = member;
    let Value::List(items) = value else { return Err(BadInput::NoList(label)) };
    let place = signatures.iter().position(|signature| signature.name == label);
    let found = place.map(|place| signatures.swap_remove(place).value);
    let Some(Value::Item(Bare::Bytes(signature))) = found else { return Err(BadInput::NoSignature(label)) };
    let mut components = Vec::with_capacity(items.len());
    for (value, parameters) in &items {
        let component = Component::of_item(value, parameters)
            .map_err(|fault| BadInput::Component { label: label.clone(), fault })?;
        if components.contains(&component) {
            return Err(BadInput::Twice(label));
        }
        components.push(component);
    }
    let listed = items.iter().map(|(value, parameters)| format!("{value}{parameters}")).collect::<Vec<_>>().join(" ");
    Ok(Input {
        created: integer(&parameters, "created", &label)?,
        expires: integer(&parameters, "expires", &label)?,
        key_id: text(&parameters, "keyid", &label)?,
        algorithm: text(&parameters, "alg", &label)?,
        parameters: format!("({listed}){parameters}"),
        label,
        components,
        signature,
    })
}

fn integer(parameters: &Parameters, parameter: &'static str, label: &str) -> Result<Option<i64>, BadInput> {
    match parameters.get(parameter) {
        None => Ok(None),
        Some(Bare::Integer(number)) => Ok(Some(*number)),
        Some(_) => Err(BadInput::Parameter { label: label.to_owned(), parameter }),
    }
}

fn text(parameters: &Parameters, parameter: &'static str, label: &str) -> Result<Option<String>, BadInput> {
    match parameters.get(parameter) {
        None => Ok(None),
        Some(Bare::Text(text)) => Ok(Some(text.clone())),
        Some(_) => Err(BadInput::Parameter { label: label.to_owned(), parameter }),
    }
}
