//! The keys at the top of the file that loading itself depends on; the owner of the top section lists them first.

use seawall_core::{
    Environment, Mode,
    settings::{Field, FieldSpec, Literal},
};

/// Where the application runs.
pub const ENVIRONMENT: Field<Environment> = Field::new(
    "environment",
    Literal::Text("development"),
    "Where the application runs. Production refuses to start without explicit origins and strong secrets.",
)
.needs_restart();

/// How strictly all guards act.
pub const MODE: Field<Mode> = Field::new(
    "mode",
    Literal::Text("enforce"),
    "How strictly all guards act: enforce refuses a bad request, report lets it through and records it, off does not \
     look. A section and a route may say otherwise for themselves.",
);

/// The preset to start from.
pub const PRESET: Field<String> =
    Field::new("preset", Literal::Unset, "A set of values to start from; whatever the file says wins over it.");

/// The mode of a whole route, which stands directly in the route's table.
pub(crate) static ROUTE_MODE: FieldSpec =
    Field::<Mode>::new(MODE.key(), Literal::Unset, "How strictly all guards act on this route.").spec();
