//! Forms: their fields with labels, and what is wrong with what was sent.

use http::StatusCode;

use super::{
    markup::Markup,
    site::Site,
    token,
    visit::{NEXT, TOKEN, Visit},
};
use crate::{
    IdentityError,
    http::problems::{Refused, sentence},
};

/// What is said of a form that was sent and could not be taken.
#[derive(Debug)]
pub(super) struct Said {
    pub(super) status: StatusCode,
    /// The field that has to be changed.
    field: Option<&'static str>,
    title: &'static str,
    detail: Option<String>,
}

impl Said {
    /// Of what went wrong. Nobody is told what went wrong inside.
    pub(super) fn of(error: IdentityError, field: Option<&'static str>) -> Self {
        let said = sentence(&error.to_string());
        let problem = Refused::from(error).0;
        let status = problem.status();
        let named = problem.headers.iter().find(|(name, _)| name == http::header::RETRY_AFTER);
        let seconds = problem.retry_after.or_else(|| named.and_then(|(_, value)| value.to_str().ok()?.parse().ok()));
        let known = problem.detail.as_deref().map(str::to_owned);
        let detail = known.or_else(|| status.is_client_error().then_some(said)).unwrap_or_default();
        // What is not theirs to change is in no field.
        let field = field.filter(|_| status.is_client_error());
        let again = seconds.map(|seconds| format!("Try again in {}.", span(seconds))).unwrap_or_default();
        let detail = format!("{detail} {again}").trim().to_owned();
        Self { status, field, title: problem.kind.title, detail: Some(detail).filter(|detail| !detail.is_empty()) }
    }

    /// Of a field of ours that was not filled in as it has to be.
    pub(super) fn wrong(title: &'static str, field: &'static str) -> Self {
        Self { status: StatusCode::UNPROCESSABLE_ENTITY, field: Some(field), title, detail: None }
    }

    /// What is said beside a field, when that is the one; `id` is what it is described by.
    pub(super) fn of_field(&self, field: &str, id: &str) -> Option<Markup> {
        let wrong = self.field == Some(field);
        wrong.then(|| Markup::element("p", &[("class", "wrong"), ("id", id)], self.beside()))
    }

    /// What is said beside the field.
    fn beside(&self) -> &str {
        self.detail.as_deref().unwrap_or(self.title)
    }

    /// The summary above the form, with a way to the field.
    pub(super) fn summary(&self) -> Markup {
        let said = match (self.field, &self.detail) {
            (Some(field), _) => Markup::paragraph(Markup::link(&format!("#{field}"), self.beside())),
            (None, Some(detail)) => Markup::paragraph(detail),
            (None, None) => Markup::default(),
        };
        let attributes = [("class", "problem"), ("role", "alert"), ("id", "problem"), ("tabindex", "-1")];
        Markup::element("div", &attributes, Markup::element("h2", &[], self.title).then(said))
    }
}

fn span(seconds: u64) -> String {
    match seconds {
        1 => "a second".to_owned(),
        2..=90 => format!("{seconds} seconds"),
        _ => format!("{} minutes", seconds.div_ceil(60)),
    }
}

/// One field.
#[derive(Clone, Copy, Debug)]
pub(super) struct Field<'a> {
    pub(super) name: &'static str,
    pub(super) label: &'static str,
    pub(super) kind: &'static str,
    pub(super) autocomplete: &'static str,
    pub(super) value: &'a str,
    pub(super) hint: Option<&'a str>,
    pub(super) required: bool,
}

impl<'a> Field<'a> {
    /// A text.
    pub(super) const fn text(name: &'static str, label: &'static str, autocomplete: &'static str) -> Self {
        Self { name, label, kind: "text", autocomplete, value: "", hint: None, required: true }
    }

    /// A password: `current-password` or `new-password`.
    pub(super) const fn password(name: &'static str, label: &'static str, autocomplete: &'static str) -> Self {
        Self { kind: "password", ..Self::text(name, label, autocomplete) }
    }

    /// A code of a second factor.
    pub(super) const fn code() -> Self {
        Self {
            hint: Some("The six digits that your authenticator app shows, or a recovery code."),
            ..Self::text("code", "Code", "one-time-code")
        }
    }

    pub(super) const fn with_value(self, value: &'a str) -> Self {
        Self { value, ..self }
    }

    pub(super) const fn with_hint(self, hint: &'a str) -> Self {
        Self { hint: Some(hint), ..self }
    }

    pub(super) const fn optional(self) -> Self {
        Self { required: false, ..self }
    }

    fn shown(self, said: Option<&Said>) -> Markup {
        let (hint_id, wrong_id) = (format!("{}-hint", self.name), format!("{}-problem", self.name));
        let wrong = said.and_then(|said| said.of_field(self.name, &wrong_id));
        let ids = [self.hint.map(|_| &*hint_id), wrong.as_ref().map(|_| &*wrong_id)];
        let described = ids.into_iter().flatten().collect::<Vec<_>>().join(" ");
        let mut attributes = vec![
            ("id", self.name),
            ("name", self.name),
            ("type", self.kind),
            ("autocomplete", self.autocomplete),
            ("value", self.value),
        ];
        if self.required {
            attributes.push(("required", ""));
        }
        if self.kind != "password" {
            attributes.extend([("autocapitalize", "none"), ("spellcheck", "false")]);
        }
        if !described.is_empty() {
            attributes.push(("aria-describedby", &described));
        }
        if wrong.is_some() {
            attributes.push(("aria-invalid", "true"));
        }
        let hint = self.hint.map(|hint| Markup::element("p", &[("class", "hint"), ("id", &hint_id)], hint));
        Markup::element("label", &[("for", self.name)], self.label)
            .then(Markup::void("input", &attributes))
            .then(hint.into_iter().chain(wrong).collect::<Markup>())
    }
}

/// A form that posts to one of the pages.
#[derive(Debug)]
pub(super) struct Form {
    action: String,
    attributes: Vec<(&'static str, String)>,
    inside: Markup,
    summary: Markup,
    token: Markup,
}

impl Form {
    /// A form that posts to `page`.
    pub(super) fn to(site: &Site, visit: &Visit, page: &str) -> Self {
        let token = token::give(&visit.kept).unwrap_or_default();
        Self {
            action: format!("{}/{page}", site.base),
            attributes: Vec::new(),
            inside: Markup::default(),
            summary: Markup::default(),
            token: hidden(TOKEN, &token),
        }
    }

    /// Fields, with what is said of one that was filled in wrongly; all of it is said above them too.
    pub(super) fn fields(self, fields: &[Field<'_>], said: Option<&Said>) -> Self {
        let shown = fields.iter().map(|field| field.shown(said)).collect::<Markup>();
        Self { summary: said.map(Said::summary).unwrap_or_default(), ..self.with(shown) }
    }

    /// What a script of ours has to know of it.
    pub(super) fn told(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.attributes.push((name, value.into()));
        self
    }

    /// A value that goes with it.
    pub(super) fn hidden(self, name: &'static str, value: &str) -> Self {
        self.with(hidden(name, value))
    }

    /// The way back, when there is one.
    pub(super) fn next(self, next: Option<seawall_core::onward::OnwardPath<'_>>) -> Self {
        match next {
            Some(next) => self.hidden(NEXT, next.as_str()),
            None => self,
        }
    }

    /// Anything else in it.
    pub(super) fn with(self, inside: Markup) -> Self {
        Self { inside: self.inside.then(inside), ..self }
    }

    /// The form with its button.
    pub(super) fn button(self, text: &str) -> Markup {
        self.button_for(text, "")
    }

    /// The same, where several buttons are called so: what this one is for is said to whoever does not see where it stands.
    pub(super) fn button_for(self, text: &str, what: &str) -> Markup {
        let unseen = if what.is_empty() {
            Markup::default()
        } else {
            Markup::element("span", &[("class", "unseen")], Markup::text(format!(" {what}")))
        };
        let button = Markup::element("button", &[("type", "submit")], Markup::text(text).then(unseen));
        let told = self.attributes.iter().map(|(name, value)| (*name, value.as_str()));
        let attributes: Vec<_> =
            [("method", "post"), ("action", self.action.as_str())].into_iter().chain(told).collect();
        self.summary.then(Markup::element("form", &attributes, self.token.then(self.inside).then(button)))
    }
}

fn hidden(name: &'static str, value: &str) -> Markup {
    Markup::void("input", &[("type", "hidden"), ("name", name), ("value", value)])
}
