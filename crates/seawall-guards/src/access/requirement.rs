//! What a route requires of whoever asks: `"user"`, `"role admin"`, `"second factor"`, `"fresh 5min"`.

use seawall_core::{
    clock::Now,
    principal::{Principal, Role},
    settings::{Raw, Setting, Shape, Span},
};

/// One way to be let in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Requirement {
    /// Whoever signed in.
    User,
    /// Whoever has this role.
    Role(Role),
    /// Whoever signed in with a second factor.
    SecondFactor,
    /// Whoever proved within so long to be who it is.
    Fresh(Span),
}

impl Requirement {
    /// Whether the principal is let in by it.
    #[must_use]
    pub fn holds(&self, principal: &Principal, now: Now) -> bool {
        match self {
            Self::User => true,
            Self::Role(role) => principal.has_one_of(std::slice::from_ref(role)),
            Self::SecondFactor => principal.second_factor,
            Self::Fresh(within) => principal.is_fresh(now.unix_us, micros(*within)),
        }
    }
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
        match text.trim().split_once(char::is_whitespace) {
            None if text.trim() == "user" => Ok(Self::User),
            Some(("second", word)) if word.trim() == "factor" => Ok(Self::SecondFactor),
            Some(("fresh", span)) => Span::read(&Raw::Text(span.trim().to_owned())).map(Self::Fresh),
            Some(("role", name)) => Role::parse(name.trim()).map(Self::Role),
            _ => Err(format!(
                "\"{text}\" is no requirement; write \"user\" for whoever signed in, \"role admin\", \"second factor\", or \"fresh 5min\""
            )),
        }
    }
}
