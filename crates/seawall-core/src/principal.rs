//! Who a request is from, once a credential was verified; and the port by which everyone hears that it holds no longer.

use std::{
    fmt::{self, Write},
    sync::Arc,
};

use http::HeaderValue;

use crate::{limit::ScopedQuota, proof::Proof, scope::Scope};

/// What kind of credential a request came with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PrincipalKind {
    /// A person who signed in.
    User,
    /// A program with a key.
    ApiKey,
    /// A device that was paired.
    Device,
}

/// Who a request is from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Principal {
    /// What kind of credential it showed.
    pub kind: PrincipalKind,
    /// The user, API key or device.
    pub id: Arc<str>,
    /// Its name, for people.
    pub name: Arc<str>,
    /// The session, when it is one.
    pub session: Option<Arc<str>>,
    /// The user whose it is, when it is an API key.
    pub owner: Option<Arc<str>>,
    /// What it may do: the roles that were given to it.
    pub roles: Arc<[Role]>,
    /// To what the credential is bounded; nothing is everything that whoever it was given to may.
    pub scopes: Option<Arc<[Scope]>>,
    /// How often it may ask, when that is bounded for the credential itself.
    pub rate: Option<ScopedQuota>,
    /// When the credential was verified with a secret that only its owner knows, in microseconds since 1970-01-01T00:00:00Z.
    pub authenticated_at_unix_us: u64,
    /// When the credential expires, in microseconds since 1970-01-01T00:00:00Z.
    pub expires_at_unix_us: Option<u64>,
    /// Whether more than a password was shown for it.
    pub second_factor: bool,
    /// What the application behind is told, prepared.
    pub told: Told,
}

impl Principal {
    /// A person, as a session shows one; nothing when its id can stand in no header field.
    #[must_use]
    pub fn user(id: &str, name: &str, roles: &[Role], session: SessionFacts) -> Option<Self> {
        Some(Self {
            kind: PrincipalKind::User,
            id: id.into(),
            name: name.into(),
            session: Some(session.id),
            owner: None,
            roles: roles.into(),
            scopes: None,
            rate: None,
            authenticated_at_unix_us: session.authenticated_at_unix_us,
            expires_at_unix_us: session.expires_at_unix_us,
            second_factor: session.second_factor,
            told: Told::new(id, name, roles)?,
        })
    }

    /// An API key; nothing when its id or its owner's can stand in no header field.
    #[must_use]
    pub fn key(id: &str, owner: &str, name: &str, roles: &[Role], key: KeyFacts) -> Option<Self> {
        let told = Told::new(owner, name, roles)?.of_key(id, &key.scopes)?;
        Some(Self {
            kind: PrincipalKind::ApiKey,
            id: id.into(),
            name: name.into(),
            session: None,
            owner: Some(owner.into()),
            roles: roles.into(),
            scopes: Some(key.scopes),
            rate: key.rate,
            authenticated_at_unix_us: key.made_at_unix_us,
            expires_at_unix_us: key.expires_at_unix_us,
            second_factor: false,
            told,
        })
    }

    /// The user behind it: the one who signed in, or whose key it is.
    #[must_use]
    pub fn user_id(&self) -> &Arc<str> {
        self.owner.as_ref().unwrap_or(&self.id)
    }

    /// Whether the credential holds for this scope; one that is not bounded to scopes does.
    #[must_use]
    pub fn may(&self, scope: &Scope) -> bool {
        self.scopes.as_ref().is_none_or(|scopes| scopes.contains(scope))
    }

    /// Whether its owner proved to be who it is within the last so many microseconds.
    #[must_use]
    pub const fn is_fresh(&self, now_unix_us: u64, within_us: u64) -> bool {
        now_unix_us.saturating_sub(self.authenticated_at_unix_us) < within_us
    }

    /// Whether one of these roles was given to it.
    #[must_use]
    pub fn has_one_of(&self, roles: &[Role]) -> bool {
        self.roles.iter().any(|own| roles.contains(own))
    }
}

/// What a session says of its owner.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SessionFacts {
    /// Its public id.
    pub id: Arc<str>,
    /// When its owner proved to be who it is.
    pub authenticated_at_unix_us: u64,
    /// When it ends at the latest.
    pub expires_at_unix_us: Option<u64>,
    /// Whether it was begun with a second factor.
    pub second_factor: bool,
}

/// What an API key says of itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyFacts {
    /// To what it is bounded.
    pub scopes: Arc<[Scope]>,
    /// How often it may ask, when that is bounded.
    pub rate: Option<ScopedQuota>,
    /// When it was made.
    pub made_at_unix_us: u64,
    /// When it ends.
    pub expires_at_unix_us: Option<u64>,
}

/// What the application behind is told of a principal, as values of header fields.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Told {
    /// The id of the user: of the one who signed in, or whose key it is.
    pub id: HeaderValue,
    /// The name, in which all but letters, digits and a few signs of ASCII is percent-encoded (RFC 3986, of UTF-8): applications do
    /// not agree on how other characters in a field are to be read.
    pub name: HeaderValue,
    /// The roles, separated by commas.
    pub roles: HeaderValue,
    /// The id of the API key, when it is one.
    pub key: Option<HeaderValue>,
    /// The scopes, separated by commas, when it is bounded to some.
    pub scopes: Option<HeaderValue>,
    /// All of it signed, where that is wanted.
    pub proof: Proof,
}

impl Told {
    /// Prepares it; nothing when the id can stand in no header field.
    #[must_use]
    pub fn new(id: &str, name: &str, roles: &[Role]) -> Option<Self> {
        let roles = roles.iter().map(Role::as_str).collect::<Vec<_>>().join(",");
        Some(Self {
            id: HeaderValue::from_str(id).ok()?,
            name: HeaderValue::try_from(percent_encoded(name)).ok()?,
            roles: HeaderValue::try_from(roles).ok()?,
            key: None,
            scopes: None,
            proof: Proof::default(),
        })
    }

    /// The same of a key; nothing when its id can stand in no header field.
    fn of_key(self, id: &str, scopes: &[Scope]) -> Option<Self> {
        let scopes = scopes.iter().map(Scope::as_str).collect::<Vec<_>>().join(",");
        Some(Self {
            key: Some(HeaderValue::from_str(id).ok()?),
            scopes: Some(HeaderValue::try_from(scopes).ok()?),
            ..self
        })
    }
}

/// Keeps what no reader takes for anything else; a space among the rest, so that names stay readable.
fn percent_encoded(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b" -._~@+'".contains(&byte) {
            out.push(char::from(byte));
        } else {
            // Writing to a string cannot fail.
            let _infallible = write!(out, "%{byte:02X}");
        }
    }
    out
}

/// The name of a role: `admin`. Lower-case letters, digits, `-`, `_`, `.` and `:`, beginning with a letter; at most 64 of them.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Role(Arc<str>);

/// The longest name of a role.
const LONGEST_ROLE: usize = 64;

impl Role {
    /// Reads a name.
    ///
    /// # Errors
    /// A sentence for the person who wrote it.
    pub fn parse(text: &str) -> Result<Self, String> {
        let sign = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"-_.:".contains(&byte);
        let fits = text.len() <= LONGEST_ROLE && text.starts_with(|first: char| first.is_ascii_lowercase());
        if fits && text.bytes().all(sign) {
            return Ok(Self(text.into()));
        }
        Err(format!(
            "\"{}\" is no name of a role; use lower-case letters, digits, -, _, . and :, beginning with a letter, {LONGEST_ROLE} at most",
            text.chars().take(LONGEST_ROLE).collect::<String>()
        ))
    }

    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What holds no longer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Revoked {
    /// One session.
    Session(Arc<str>),
    /// Everything of a user, API key or device.
    Principal(Arc<str>),
}

/// Whoever wants to hear of revocations. Called on any thread; it must not wait.
pub type Listener = Arc<dyn Fn(&Revoked) + Send + Sync>;

/// Tells of sessions, keys and users that hold no longer.
pub trait Revocations: fmt::Debug + Send + Sync {
    /// From now on the listener hears of each revocation, within a second of it.
    fn listen(&self, listener: Listener);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_reach_the_application_in_a_form_that_is_read_in_one_way() {
        let admin = Role::parse("admin").unwrap();
        let told =
            Told::new("u1", "Zoë O'Neil, 100%\r\nX-Evil: 1", &[admin, Role::parse("team:blue").unwrap()]).unwrap();
        assert_eq!(told.name, "Zo%C3%AB O'Neil%2C 100%25%0D%0AX-Evil%3A 1");
        assert_eq!(told.roles, "admin,team:blue");
        assert_eq!(Told::new("a\nb", "x", &[]), None);
    }

    #[test]
    fn of_a_key_the_application_learns_its_owner_the_key_and_its_scopes() {
        let scopes: Arc<[Scope]> = ["a:read", "b"].map(|name| Scope::parse(name).unwrap()).into();
        let facts = KeyFacts { scopes, rate: None, made_at_unix_us: 1, expires_at_unix_us: None };
        let key = Principal::key("k1", "u1", "Ann", &[Role::parse("admin").unwrap()], facts).unwrap();
        assert_eq!((&*key.id, &**key.user_id(), key.kind), ("k1", "u1", PrincipalKind::ApiKey));
        assert_eq!((key.told.id, key.told.roles), (HeaderValue::from_static("u1"), HeaderValue::from_static("admin")));
        assert_eq!(key.told.key, Some(HeaderValue::from_static("k1")));
        assert_eq!(key.told.scopes, Some(HeaderValue::from_static("a:read,b")));
    }

    #[test]
    fn roles_are_plain_words() {
        for good in ["admin", "a", "team:blue", "x-1_2.3"] {
            assert_eq!(Role::parse(good).unwrap().as_str(), good);
        }
        for bad in ["", "Admin", "1a", "a b", "a,b", "ä", "a\r", &"a".repeat(65)] {
            assert!(Role::parse(bad).is_err(), "{bad:?}");
        }
    }
}
