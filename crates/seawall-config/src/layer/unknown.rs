//! Names that stand where they should not: misspelt, in another section's table, or in a route that may not have them.

use std::{ops::Range, sync::Arc};

use seawall_core::settings::{FieldSpec, Section, nearest};

use super::{Assignment, Owner};
use crate::{
    diagnostics::{Code, Diagnostic},
    place::Place,
    schema::{ROUTE, Schema},
    text::Text,
    top, words,
};

/// A name that is not known where it stands.
pub(super) struct Unknown<'a> {
    pub(super) name: &'a str,
    /// Whether a table stands under it.
    pub(super) table: bool,
    pub(super) place: Place,
}

/// A key that its table does not have.
pub(super) fn key(schema: &Schema, owner: &Owner, fields: &'static [FieldSpec], stranger: &Unknown<'_>) -> Diagnostic {
    let name = stranger.name;
    let here = place_name(owner);
    let inners = match owner {
        Owner::Section(section) => schema.inners(section).map(|(inner, _)| inner).collect(),
        _ => Vec::new(),
    };
    let near = nearest(name, fields.iter().map(|field| field.key).chain(inners));
    let homes = schema.homes(name);
    let mut help = Vec::new();
    help.extend(near.map(|near| format!("did you mean `{near}`?")));
    let base = name.strip_suffix("_file").filter(|base| fields.iter().any(|field| field.key == *base));
    if let Some(base) = base {
        help.push(format!("`{base}` is no secret, so its value stands here and not in a file"));
    }
    if let [home] = homes.as_slice() {
        help.push(format!("`{name}` belongs to {}", words::section(home)));
        let message = format!("`{name}` does not belong to {here}");
        return diagnostic(Code::WrongSection, &message, &stranger.place, &format!("not a key of {here}"), &help);
    }
    if near.is_none() && !homes.is_empty() {
        let all: Vec<_> = homes.iter().map(|home| words::section(home)).collect();
        help.push(format!("`{name}` is known in {}", all.join(", ")));
    }
    if help.is_empty() {
        help.push(format!("known are {}", words::names(fields.iter().map(|field| field.key))));
    }
    if let Owner::Section(Section { name: section, entries: Some(_), .. }) = owner {
        help.push(format!("a named entry is a table of its own: [{section}.NAME]"));
    }
    let message = format!("unknown key `{name}` in {here}");
    diagnostic(Code::UnknownKey, &message, &stranger.place, &format!("not a key of {here}"), &help)
}

/// A table at the top that is no section.
pub(super) fn section(schema: &Schema, stranger: &Unknown<'_>) -> Diagnostic {
    let name = stranger.name;
    if let Some(field) = schema.top().and_then(|top| top.field(name)) {
        return table_for_value(field, name, &stranger.place);
    }
    let known = || schema.tables().map(|section| section.name).chain([ROUTE]);
    let help = match nearest(name, known()) {
        Some(near) => format!("did you mean `{near}`?"),
        None => format!("known are {}", words::names(known())),
    };
    let kind = if stranger.table { "section" } else { "key" };
    diagnostic(
        Code::UnknownSection,
        &format!("unknown {kind} `{name}`"),
        &stranger.place,
        &format!("not a {kind} of the configuration"),
        &[help],
    )
}

/// A name in a route's table that is no section.
pub(super) fn in_route(schema: &Schema, stranger: &Unknown<'_>) -> Diagnostic {
    let name = stranger.name;
    let may = || schema.tables().filter(|section| section.routes).map(|section| section.name);
    let homes: Vec<_> = schema.homes(name).into_iter().filter(|section| section.routes).collect();
    let (code, help) = if let [home] = homes.as_slice() {
        (Code::WrongSection, format!("in a route, the section comes first: write {}.{name}", home.name))
    } else if let Some(near) = nearest(name, may().chain([top::ROUTE_MODE.key])) {
        (Code::UnknownKey, format!("did you mean `{near}`?"))
    } else {
        let known = words::names([top::ROUTE_MODE.key].into_iter().chain(may()));
        (Code::UnknownKey, format!("a route may hold {known}"))
    };
    let message = format!("`{name}` does not belong directly to a route");
    diagnostic(code, &message, &stranger.place, "not a section that a route can change", &[help])
}

/// A section in a route that routes may not change.
pub(super) fn not_per_route(schema: &Schema, section: &Section, text: &Arc<Text>, key: &Range<usize>) -> Diagnostic {
    let may = words::names(schema.tables().filter(|section| section.routes).map(|section| section.name));
    Diagnostic::new(Code::NotPerRoute, format!("[{}] cannot differ by route", section.name))
        .at(text, key, "the same for all routes")
        .help(format!("set it once under [{}]; routes can change {may}", section.name))
}

/// A table where a value should stand.
pub(super) fn table_for_value(field: &FieldSpec, path: &str, place: &Place) -> Diagnostic {
    Diagnostic::new(Code::NotAValue, format!("`{path}` is a value, but a section stands here"))
        .at_key(place, words::expectation(field, false))
        .help(words::field_help(field))
}

/// A secret given both as a value and as a file, or a variable given in two spellings.
pub(super) fn given_twice(owner: &Owner, second: &Assignment, first: &Place) -> Diagnostic {
    Diagnostic::new(Code::SetTwice, format!("`{}` is set twice", owner.path(second.field.key)))
        .at_key(&second.place, "here again")
        .at_key(first, "first here")
        .help("keep one of them")
}

/// A variable that stands for nothing.
pub(super) fn variable(schema: &Schema, name: &str) -> Diagnostic {
    let upper = name.to_ascii_uppercase();
    let all = super::variables::names(schema);
    let help = if upper.starts_with("SEAWALL__ROUTE__") {
        "routes are set in the configuration file only".to_owned()
    } else if let Some(near) = nearest(&upper, all.iter().map(String::as_str)) {
        format!("did you mean {near}?")
    } else {
        let (section, _) = upper.rsplit_once("__").unwrap_or_default();
        let siblings: Vec<_> =
            all.iter().filter(|name| name.rsplit_once("__").is_some_and(|(mine, _)| mine == section)).collect();
        if siblings.is_empty() || section == "SEAWALL" {
            let sections = words::names(schema.tables().map(|section| section.name));
            format!("a variable is named SEAWALL__SECTION__KEY; the sections are {sections}")
        } else {
            format!("known are {}", siblings.into_iter().map(String::as_str).collect::<Vec<_>>().join(", "))
        }
    };
    Diagnostic::new(Code::UnknownVariable, "no setting has this name").help(help)
}

fn diagnostic(code: Code, message: &str, place: &Place, label: &str, help: &[String]) -> Diagnostic {
    Diagnostic::new(code, message).at_key(place, label).help(help.join("; "))
}

fn place_name(owner: &Owner) -> String {
    match owner {
        Owner::Section(section) => words::section(section),
        Owner::Entry(section, name) => format!("[{}.{name}]", section.name),
        Owner::Route(_, section) => format!("{} of this route", section.name),
        Owner::WholeRoute(_) => "this route".to_owned(),
    }
}
