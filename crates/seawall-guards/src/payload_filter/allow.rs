//! Fields in which anything may stand.

use http::HeaderName;
use seawall_core::settings::{Raw, Setting, Shape};

use super::Place;

/// A field, or all of a place: `"body /comment"`, `"query q"`, `"path"`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Allowed {
    place: Place,
    /// Nothing is all of the place.
    name: Option<String>,
}

impl Allowed {
    /// Whether it is this field. In the names of a body `*` stands for one segment.
    pub(super) fn is(&self, place: Place, name: &str) -> bool {
        if self.place != place {
            return false;
        }
        let Some(allowed) = &self.name else { return true };
        match place {
            Place::Body => {
                let (mut allowed, mut segments) = (allowed.split('/'), name.split('/'));
                loop {
                    match (allowed.next(), segments.next()) {
                        (None, None) => return true,
                        (Some(allowed), Some(segment)) if allowed == "*" || allowed == segment => {}
                        _ => return false,
                    }
                }
            }
            Place::Header => allowed.eq_ignore_ascii_case(name),
            Place::Path | Place::Query | Place::Cookie => allowed == name,
        }
    }
}

impl Setting for Allowed {
    const SHAPE: Shape = Shape::Text("field", "body /comment");

    fn read(raw: &Raw) -> Result<Self, String> {
        let Raw::Text(text) = raw else {
            return Err(format!("expected a field as text, such as \"body /comment\", found {}", raw.kind()));
        };
        let wrong = || {
            format!(
                "\"{text}\" is no field; write \"body /comment\", \"query q\", \"cookie NAME\", \"header NAME\", or \"path\"; a place alone is all of it"
            )
        };
        let (place, name) = text.split_once(' ').map_or((&**text, None), |(place, name)| (place, Some(name.trim())));
        let place = Place::ALL.into_iter().find(|known| known.word() == place).ok_or_else(wrong)?;
        let fits = match (place, name) {
            (_, None) => true,
            (Place::Path, Some(_)) => false,
            (Place::Body, Some(name)) => name.starts_with('/'),
            (Place::Header, Some(name)) => name.parse::<HeaderName>().is_ok(),
            (Place::Query | Place::Cookie, Some(name)) => !name.is_empty(),
        };
        if fits { Ok(Self { place, name: name.map(str::to_owned) }) } else { Err(wrong()) }
    }
}
