//! Sections `[identity.oidc.NAME]`.

use seawall_core::{
    principal::Role,
    settings::{BadSetting, Complaint, Field, Literal, Raw, Secret, Section, Setting, Shape, Situation, Values},
};

const ISSUER: Field<IssuerUrl> = Field::new(
    "issuer",
    Literal::Unset,
    "The issuer, such as \"https://accounts.google.com\": where `/.well-known/openid-configuration` is read, and the `iss` of its ID tokens.",
)
.needs_restart();
const CLIENT_ID: Field<String> =
    Field::new("client_id", Literal::Unset, "What the issuer knows this site by: the `aud` of its ID tokens.")
        .needs_restart();
const CLIENT_SECRET: Field<Secret> = Field::new(
    "client_secret",
    Literal::Unset,
    "The secret that the issuer gave with `client_id`. Without it, only ID tokens that pages post are taken, and issuers that ask for none.",
)
.needs_restart();
const SCOPES: Field<Vec<String>> = Field::new(
    "scopes",
    Literal::Texts(&["openid", "email", "profile"]),
    "What the issuer is asked to say; \"openid\" is needed.",
)
.needs_restart();
const REGISTER: Field<bool> = Field::new(
    "register",
    Literal::Flag(false),
    "Whether whoever signs in for the first time becomes a user. Else users link their account themselves, while they are signed in.",
)
.needs_restart();
const ROLES: Field<Vec<GivenRole>> =
    Field::new("roles", Literal::Texts(&[]), "The roles of users that are made by `register`.").needs_restart();

/// The sections.
pub static SECTION: Section =
    Section::new("identity.oidc", "Signing in with accounts elsewhere (OpenID Connect).", &[])
        .with_entries(&[
            ISSUER.spec(),
            CLIENT_ID.spec(),
            CLIENT_SECRET.spec(),
            SCOPES.spec(),
            REGISTER.spec(),
            ROLES.spec(),
        ])
        .with_entry_demands(demands);

/// The address of an issuer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct IssuerUrl(String);

impl Setting for IssuerUrl {
    const SHAPE: Shape = Shape::Text("issuer", "https://accounts.google.com");

    fn read(raw: &Raw) -> Result<Self, String> {
        let Raw::Text(text) = raw else { return Err(format!("expected text, found {}", raw.kind())) };
        if fetchable(text) && !text.contains(['?', '#']) {
            return Ok(Self(text.clone()));
        }
        Err(format!(
            "\"{}\" is no issuer; write its address as it writes it, such as \"https://accounts.google.com\"",
            text.escape_debug()
        ))
    }
}

/// A role that is given.
#[derive(Clone, Debug)]
struct GivenRole(Role);

impl Setting for GivenRole {
    const SHAPE: Shape = Shape::Text("role", "customer");

    fn read(raw: &Raw) -> Result<Self, String> {
        match raw {
            Raw::Text(text) => Role::parse(text).map(Self),
            other => Err(format!("expected text, found {}", other.kind())),
        }
    }
}

/// Whether an address may be asked: over TLS, or on this machine.
pub(crate) fn fetchable(text: &str) -> bool {
    let Ok(uri) = text.parse::<http::Uri>() else { return false };
    let Some(authority) = uri.authority().filter(|authority| !authority.as_str().contains('@')) else { return false };
    let host = authority.host().trim_matches(['[', ']']);
    let loopback = host == "localhost" || host.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback());
    matches!(uri.scheme_str(), Some("https")) || (loopback && matches!(uri.scheme_str(), Some("http")))
}

/// An issuer, as configured.
#[derive(Clone, Debug)]
pub struct IssuerSettings {
    /// What it is called here, in paths.
    pub name: String,
    /// Its `iss`.
    pub issuer: String,
    /// Our `aud`.
    pub client_id: String,
    /// What we show it.
    pub client_secret: Option<Secret>,
    /// What it is asked to say.
    pub scopes: Vec<String>,
    /// Whether it makes users.
    pub register: bool,
    /// Their roles.
    pub roles: Vec<Role>,
}

impl IssuerSettings {
    /// Reads all.
    ///
    /// # Errors
    /// [`BadSetting`] when they are not checked settings.
    pub fn read(entries: &[(String, Values)]) -> Result<Vec<Self>, BadSetting> {
        let one = |(name, values): &(String, Values)| {
            Ok(Self {
                name: name.clone(),
                issuer: values.get(&ISSUER)?.0,
                client_id: values.get(&CLIENT_ID)?,
                client_secret: values.find(&CLIENT_SECRET)?,
                scopes: values.get(&SCOPES)?,
                register: values.get(&REGISTER)?,
                roles: values.get(&ROLES)?.into_iter().map(|GivenRole(role)| role).collect(),
            })
        };
        entries.iter().map(one).collect()
    }
}

fn demands(name: &str, values: &Values, _: &Situation) -> Vec<Complaint> {
    let mut complaints = Vec::new();
    if !name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-') {
        complaints.push(Complaint {
            key: None,
            what: format!("`{}` cannot stand in a path", name.escape_debug()),
            help: "name it by small letters, digits and -".to_owned(),
        });
    }
    for key in [ISSUER.key(), CLIENT_ID.key()] {
        if values.raw(key).is_none() {
            complaints.push(Complaint {
                key: Some(key),
                what: format!("an issuer needs `{key}`"),
                help: "take it from where the issuer registered this site".to_owned(),
            });
        }
    }
    complaints
}
