//! What a route requires of whoever asks: `"user"`, `"role admin and fresh 5min"`, `"scope orders:read and role admin"`.

use seawall_core::{
    clock::Now,
    membership::{Membership, Tier},
    principal::{Principal, PrincipalKind, Role},
    scope::Scope,
    settings::{Raw, Setting, Shape, Span},
};

/// One way to be let in: all of its terms hold.
///
/// A key opens only what speaks of keys or scopes: one that was given for `orders:read` does not open what its owner's role opens,
/// unless the requirement says so. A device opens only what speaks of devices or of whoever is known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Requirement {
    terms: Vec<Term>,
    for_keys: bool,
    for_devices: bool,
}

/// One thing that is required.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Term {
    /// Whoever is known, a person or a program.
    Known,
    /// A person who signed in.
    User,
    /// Whoever shows an API key.
    Key,
    /// Whoever shows the credential of a device.
    Device,
    /// Whoever has this role; with a key or device, its owner.
    Role(Role),
    /// Whoever acts for an organisation in this role.
    OrganisationRole(Role),
    /// Whoever acts for an organisation of this tier.
    Tier(Tier),
    /// Whose credential holds for this.
    Scope(Scope),
    /// Whoever signed in with a second factor.
    SecondFactor,
    /// Whoever proved within so long to be who it is.
    Fresh(Span),
}

/// The most terms of one requirement.
const MOST: usize = 8;

const WORDS: &str = "write \"user\" for a person who signed in, \"key\" for a program with an API key, \"device\" for a paired device, \"known\" for any of them, \
    \"role admin\", \"organisation role admin\", \"tier pro\", \"scope orders:read\", \"second factor\", \"fresh 5min\", or several with \"and\" between them";

impl Requirement {
    /// Whoever is known, a person or a program.
    #[must_use]
    pub fn known() -> Self {
        Self { terms: vec![Term::Known], for_keys: true, for_devices: true }
    }

    /// What is missing for the principal to be let in by it; nothing when it is.
    pub(super) fn lacks(&self, principal: &Principal, now: Now) -> Option<Lack> {
        let may = match principal.kind {
            PrincipalKind::User => true,
            PrincipalKind::ApiKey => self.for_keys,
            PrincipalKind::Device => self.for_devices,
        };
        let missing = self.terms.iter().filter(|term| !term.holds(principal, now)).map(Term::lack);
        missing.chain((!may).then_some(Lack::Right)).max()
    }
}

/// What is missing. The later ones are harder to come by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Lack {
    /// A proof that is no older than so many seconds.
    Proof(u64),
    /// A second factor.
    SecondFactor,
    /// The right to it.
    Right,
}

impl Term {
    fn read(text: &str) -> Result<Self, String> {
        let unknown = || format!("\"{text}\" is no requirement; {WORDS}");
        match text.split_once(char::is_whitespace).map(|(word, rest)| (word, rest.trim())) {
            None => match text {
                "known" => Ok(Self::Known),
                "user" => Ok(Self::User),
                "key" => Ok(Self::Key),
                "device" => Ok(Self::Device),
                _ => Err(unknown()),
            },
            Some(("role", name)) => Role::parse(name).map(Self::Role),
            Some(("organisation", role)) => {
                let name = role.strip_prefix("role").filter(|name| name.starts_with(char::is_whitespace));
                Role::parse(name.ok_or_else(unknown)?.trim()).map(Self::OrganisationRole)
            }
            Some(("tier", name)) => Tier::parse(name).map(Self::Tier),
            Some(("scope", name)) => Scope::parse(name).map(Self::Scope),
            Some(("second", "factor")) => Ok(Self::SecondFactor),
            Some(("fresh", span)) => Span::read(&Raw::Text(span.to_owned())).map(Self::Fresh),
            Some(_) => Err(unknown()),
        }
    }

    const fn for_keys(&self) -> bool {
        matches!(self, Self::Known | Self::Key | Self::Scope(_))
    }

    const fn for_devices(&self) -> bool {
        matches!(self, Self::Known | Self::Device)
    }

    fn lack(&self) -> Lack {
        match self {
            Self::Fresh(within) => Lack::Proof(within.duration().as_secs()),
            Self::SecondFactor => Lack::SecondFactor,
            Self::Known
            | Self::User
            | Self::Key
            | Self::Device
            | Self::Role(_)
            | Self::OrganisationRole(_)
            | Self::Tier(_)
            | Self::Scope(_) => Lack::Right,
        }
    }

    fn holds(&self, principal: &Principal, now: Now) -> bool {
        match self {
            Self::Known => true,
            Self::User => principal.kind == PrincipalKind::User,
            Self::Key => principal.kind == PrincipalKind::ApiKey,
            Self::Device => principal.kind == PrincipalKind::Device,
            Self::Role(role) => principal.has_one_of(std::slice::from_ref(role)),
            Self::OrganisationRole(role) => membership(principal).is_some_and(|own| own.role == *role),
            Self::Tier(tier) => membership(principal).is_some_and(|own| own.tier.as_ref() == Some(tier)),
            Self::Scope(scope) => principal.may(scope),
            Self::SecondFactor => principal.second_factor,
            Self::Fresh(within) => principal.is_fresh(now.unix_us, micros(*within)),
        }
    }
}

const fn membership(principal: &Principal) -> Option<&Membership> {
    principal.membership.as_ref()
}

fn micros(span: Span) -> u64 {
    u64::try_from(span.duration().as_micros()).unwrap_or(u64::MAX)
}

impl Setting for Requirement {
    const SHAPE: Shape = Shape::Text("requirement", "role admin");

    fn read(raw: &Raw) -> Result<Self, String> {
        let Raw::Text(text) = raw else {
            return Err(format!("expected a requirement as text, such as \"role admin\", found {}", raw.kind()));
        };
        let words = text.split_whitespace().collect::<Vec<_>>();
        if words.len() > MOST * 3 {
            return Err(format!("a requirement has {MOST} parts at most"));
        }
        let terms = words.split(|word| *word == "and").map(|term| Term::read(&term.join(" ")));
        let terms = terms.collect::<Result<Vec<_>, _>>()?;
        if [Term::User, Term::Key, Term::Device].iter().filter(|kind| terms.contains(kind)).count() > 1 {
            return Err(format!(
                "\"{text}\" lets nobody in: who shows a key or is a device did not sign in; \"known\" means any of them"
            ));
        }
        let (for_keys, for_devices) = (terms.iter().any(Term::for_keys), terms.iter().any(Term::for_devices));
        Ok(Self { terms, for_keys, for_devices })
    }
}
