//! What a route requires of whoever asks: `"user"`, `"role admin"`.

use seawall_core::{
    principal::{Principal, Role},
    settings::{Raw, Setting, Shape},
};

/// One way to be let in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Requirement {
    /// Whoever signed in.
    User,
    /// Whoever has this role.
    Role(Role),
}

impl Requirement {
    /// Whether the principal is let in by it.
    #[must_use]
    pub fn holds(&self, principal: &Principal) -> bool {
        match self {
            Self::User => true,
            Self::Role(role) => principal.has_one_of(std::slice::from_ref(role)),
        }
    }
}

impl Setting for Requirement {
    const SHAPE: Shape = Shape::Text("requirement", "role admin");

    fn read(raw: &Raw) -> Result<Self, String> {
        let Raw::Text(text) = raw else {
            return Err(format!("expected a requirement as text, such as \"role admin\", found {}", raw.kind()));
        };
        match text.trim().split_once(char::is_whitespace) {
            None if text.trim() == "user" => Ok(Self::User),
            Some(("role", name)) => Role::parse(name.trim()).map(Self::Role),
            _ => Err(format!("\"{text}\" is no requirement; write \"user\" for whoever signed in, or \"role admin\"")),
        }
    }
}
