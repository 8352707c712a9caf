//! Who a request is from, once a credential was verified; and the port by which everyone hears that it holds no longer.

use std::{fmt, sync::Arc};

use http::{HeaderName, HeaderValue};

use crate::{
    http::percent,
    limit::{Limits, Per, RateKey, RateKeys, ScopedQuota},
    membership::Membership,
    proof::Proof,
    scope::Scope,
};

static USER: HeaderName = HeaderName::from_static("x-seawall-user");
static USER_NAME: HeaderName = HeaderName::from_static("x-seawall-user-name");
static ROLES: HeaderName = HeaderName::from_static("x-seawall-roles");
static KEY: HeaderName = HeaderName::from_static("x-seawall-key");
static SCOPES: HeaderName = HeaderName::from_static("x-seawall-scopes");
static DEVICE: HeaderName = HeaderName::from_static("x-seawall-device");
static ORGANISATION: HeaderName = HeaderName::from_static("x-seawall-organisation");
static ORGANISATION_ROLE: HeaderName = HeaderName::from_static("x-seawall-organisation-role");
static ORGANISATION_TIER: HeaderName = HeaderName::from_static("x-seawall-organisation-tier");

/// The field with the proof of who asks: all the others, signed.
pub static PROOF: HeaderName = HeaderName::from_static("x-seawall-token");

/// All fields by which the application behind is told who asks. A proxy that asks for them has to put each in the place of a client's.
#[must_use]
pub fn told_names() -> [&'static HeaderName; 10] {
    [&USER, &USER_NAME, &ROLES, &KEY, &SCOPES, &DEVICE, &ORGANISATION, &ORGANISATION_ROLE, &ORGANISATION_TIER, &PROOF]
}

/// What stands in names as it is: what no reader takes for anything else; a space among it, so that names stay readable.
const IN_NAMES: &str = " -._~@+'";

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
    /// The user whose it is, when it is an API key or a device.
    pub owner: Option<Arc<str>>,
    /// What it may do: the roles that were given to it.
    pub roles: Arc<[Role]>,
    /// To what the credential is bounded; nothing is everything that whoever it was given to may.
    pub scopes: Option<Arc<[Scope]>>,
    /// For which organisation it acts.
    pub membership: Option<Membership>,
    /// How often it may ask, when that is bounded for the credential itself or for the tier of its organisation.
    pub limits: Option<Arc<Limits>>,
    /// By what its requests are counted.
    pub rate_keys: RateKeys,
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
            membership: None,
            limits: None,
            rate_keys: rate_keys(id, None),
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
            membership: None,
            limits: key.rate.map(|rate| Arc::new(Limits::new(&[rate]))),
            rate_keys: rate_keys(owner, Some(id)),
            authenticated_at_unix_us: key.made_at_unix_us,
            expires_at_unix_us: key.expires_at_unix_us,
            second_factor: false,
            told,
        })
    }

    /// A device; nothing when its id or its owner's can stand in no header field.
    #[must_use]
    pub fn device(id: &str, owner: &str, name: &str, roles: &[Role], made_at_unix_us: u64) -> Option<Self> {
        Some(Self {
            kind: PrincipalKind::Device,
            id: id.into(),
            name: name.into(),
            session: None,
            owner: Some(owner.into()),
            roles: roles.into(),
            scopes: None,
            membership: None,
            limits: None,
            rate_keys: rate_keys(owner, Some(id)),
            authenticated_at_unix_us: made_at_unix_us,
            expires_at_unix_us: None,
            second_factor: false,
            told: Told { device: Some(HeaderValue::from_str(id).ok()?), ..Told::new(owner, name, roles)? },
        })
    }

    /// The same, acting for an organisation, whose tier allows so much.
    #[must_use]
    pub fn acting_for(self, membership: Membership, tier: &[ScopedQuota]) -> Self {
        let organisation = RateKey::organisation(&membership.organisation);
        let rate_keys =
            RateKeys::Principal { user: self.rate_keys.of(Per::User), key: self.rate_keys.of(Per::Key), organisation };
        let limited = !tier.is_empty();
        let own = Self { membership: Some(Membership { limited, ..membership }), rate_keys, ..self };
        let tier = tier.iter().filter(|scoped| own.is_counted(scoped.quota.per)).copied();
        let quotas = own.limits.iter().flat_map(|limits| limits.of(true).quotas.iter().copied()).chain(tier);
        let quotas = quotas.collect::<Vec<_>>();
        let limits = (!quotas.is_empty()).then(|| Arc::new(Limits::new(&quotas)));
        Self { limits, ..own }
    }

    /// Whether its requests can be counted by this.
    #[must_use]
    pub fn is_counted(&self, per: Per) -> bool {
        match per {
            Per::Ip => false,
            Per::User => true,
            Per::Key => self.kind != PrincipalKind::User,
            Per::Organisation => self.membership.is_some(),
        }
    }

    /// The user behind it: the one who signed in, or whose key it is.
    #[must_use]
    pub fn user_id(&self) -> &Arc<str> {
        self.owner.as_ref().unwrap_or(&self.id)
    }

    /// The fields by which the application behind is told of it, all but the proof.
    pub fn told_fields(&self) -> impl Iterator<Item = (&'static HeaderName, &HeaderValue)> {
        let told = self.membership.as_ref().map(|membership| &membership.told);
        let fields = [
            (&USER, Some(&self.told.id)),
            (&USER_NAME, Some(&self.told.name)),
            (&ROLES, Some(&self.told.roles)),
            (&KEY, self.told.key.as_ref()),
            (&SCOPES, self.told.scopes.as_ref()),
            (&DEVICE, self.told.device.as_ref()),
            (&ORGANISATION, told.map(|told| &told.organisation)),
            (&ORGANISATION_ROLE, told.map(|told| &told.role)),
            (&ORGANISATION_TIER, told.and_then(|told| told.tier.as_ref())),
        ];
        fields.into_iter().filter_map(|(name, value)| Some((name, value?)))
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

/// By what the requests of a person are counted, and of a key or device when there is one.
fn rate_keys(user: &str, credential: Option<&str>) -> RateKeys {
    let user = RateKey::user(user);
    RateKeys::Principal { user, key: credential.map_or(user, RateKey::key), organisation: user }
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
    /// The id of the device, when it is one.
    pub device: Option<HeaderValue>,
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
            name: HeaderValue::try_from(percent::encoded(name, IN_NAMES)).ok()?,
            roles: HeaderValue::try_from(roles).ok()?,
            key: None,
            device: None,
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
    fn a_tier_counts_what_its_members_show_and_the_rate_of_a_key_stays() {
        use crate::{limit::Quota, membership::Tier};
        let quotas = ["100/min per user", "9/min per key", "1000/h per org", "1/s per user for unsafe methods"];
        let tier = ScopedQuota::all("tier", &quotas.map(|text| Quota::parse(text).unwrap()));
        let session = SessionFacts {
            id: "s1".into(),
            authenticated_at_unix_us: 1,
            expires_at_unix_us: None,
            second_factor: false,
        };
        let membership =
            || Membership::new("o1", Role::parse("owner").unwrap(), Some(Tier::parse("pro").unwrap())).unwrap();
        let person = Principal::user("u1", "Ann", &[], session).unwrap().acting_for(membership(), &tier);
        let counted = |principal: &Principal, unsafe_method| {
            let limits = principal.limits.as_ref().unwrap().of(unsafe_method).quotas.clone();
            limits.iter().map(|scoped| scoped.quota.to_string()).collect::<Vec<_>>()
        };
        assert_eq!(counted(&person, false), ["100/min per user", "1000/h per org"]);
        assert_eq!(counted(&person, true).len(), 3);
        let rate = ScopedQuota::named("key", Quota::parse_for_key("5/min").unwrap());
        let facts = KeyFacts { scopes: Arc::new([]), rate: Some(rate), made_at_unix_us: 1, expires_at_unix_us: None };
        let key = Principal::key("k1", "u1", "Ann", &[], facts).unwrap().acting_for(membership(), &tier);
        assert_eq!(counted(&key, false), ["5/min per key", "100/min per user", "9/min per key", "1000/h per org"]);
        assert_eq!(key.rate_keys.of(Per::User), person.rate_keys.of(Per::User), "a person's keys are the person's");
        assert_ne!(key.rate_keys.of(Per::Key), person.rate_keys.of(Per::Key));
        assert!(key.membership.unwrap().limited);
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
