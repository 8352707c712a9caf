//! What a route requires of whoever asks: `"user"`, `"role admin"`, `"scope orders:read and role admin"`.

use seawall_core::{
    principal::{Principal, PrincipalKind, Role},
    scope::Scope,
    settings::{Raw, Setting, Shape},
};

/// One way to be let in: all of its terms hold.
///
/// A key opens only what speaks of keys or scopes: one that was given for `orders:read` does not open what its owner's role opens,
/// unless the requirement says so.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Requirement {
    terms: Vec<Term>,
    for_keys: bool,
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
    /// Whoever has this role; with a key, its owner.
    Role(Role),
    /// Whose credential holds for this.
    Scope(Scope),
}

/// The most terms of one requirement.
const MOST: usize = 8;

const WORDS: &str = "write \"user\" for a person who signed in, \"key\" for a program with an API key, \"known\" for either, \"role admin\", \
    \"scope orders:read\", or several with \"and\" between them";

impl Requirement {
    /// Whoever is known, a person or a program.
    #[must_use]
    pub fn known() -> Self {
        Self { terms: vec![Term::Known], for_keys: true }
    }

    /// Whether the principal is let in by it.
    #[must_use]
    pub fn holds(&self, principal: &Principal) -> bool {
        let may = self.for_keys || principal.kind != PrincipalKind::ApiKey;
        may && self.terms.iter().all(|term| term.holds(principal))
    }
}

impl Term {
    fn read(text: &str) -> Result<Self, String> {
        let unknown = || format!("\"{text}\" is no requirement; {WORDS}");
        match text.split_once(char::is_whitespace).map(|(word, rest)| (word, rest.trim())) {
            None => match text {
                "known" => Ok(Self::Known),
                "user" => Ok(Self::User),
                "key" => Ok(Self::Key),
                _ => Err(unknown()),
            },
            Some(("role", name)) => Role::parse(name).map(Self::Role),
            Some(("scope", name)) => Scope::parse(name).map(Self::Scope),
            Some(_) => Err(unknown()),
        }
    }

    const fn for_keys(&self) -> bool {
        matches!(self, Self::Known | Self::Key | Self::Scope(_))
    }

    fn holds(&self, principal: &Principal) -> bool {
        match self {
            Self::Known => true,
            Self::User => principal.kind == PrincipalKind::User,
            Self::Key => principal.kind == PrincipalKind::ApiKey,
            Self::Role(role) => principal.has_one_of(std::slice::from_ref(role)),
            Self::Scope(scope) => principal.may(scope),
        }
    }
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
        if terms.contains(&Term::User) && terms.contains(&Term::Key) {
            return Err(format!("\"{text}\" lets nobody in: who shows a key did not sign in; \"known\" means either"));
        }
        let for_keys = terms.iter().any(Term::for_keys);
        Ok(Self { terms, for_keys })
    }
}
