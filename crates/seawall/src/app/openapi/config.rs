//! Section `[openapi]`.

use seawall_core::{
    Environment,
    settings::{BadSetting, Field, Literal, Raw, Section, Setting, Shape, Values, choice},
};

/// Who gets the document.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Publish {
    Nobody,
    Development,
    Everybody,
}

impl Setting for Publish {
    const SHAPE: Shape = Shape::Choice(&["off", "development", "public"]);

    fn read(raw: &Raw) -> Result<Self, String> {
        choice(raw, &[("off", Self::Nobody), ("development", Self::Development), ("public", Self::Everybody)])
    }
}

const PUBLISH: Field<Publish> = Field::new(
    "publish",
    Literal::Text("development"),
    "Who gets `/_seawall/openapi.json`, the application's document with what Seawall adds to it: `development` answers it in that environment alone, `public` in every one, to everybody; `off` answers 404. It tells every path of the application's document, those that only some may use included.",
);

/// The section.
pub(in crate::app) static SECTION: Section = Section::new(
    "openapi",
    "The application's OpenAPI document with the answers, headers and limits that Seawall adds. The document itself is `document` in `[schema]`.",
    &[PUBLISH.spec()],
);

/// Whether the document is there.
pub(super) fn published(values: &Values, environment: Environment) -> Result<bool, BadSetting> {
    Ok(match values.get(&PUBLISH)? {
        Publish::Nobody => false,
        Publish::Development => environment == Environment::Development,
        Publish::Everybody => true,
    })
}
