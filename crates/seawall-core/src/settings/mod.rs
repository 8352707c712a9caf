//! How a crate declares its configuration: a const table of fields, each with documentation, default and bounds.
//!
//! A guard or crate owns one [`Section`]. The configuration crate reads a file against all sections without knowing
//! what they mean; the constructor reads its [`Values`] field by field, typed:
//!
//! ```
//! use seawall_core::settings::{Field, Literal, Section, Size, Values};
//!
//! const MAX: Field<Size> = Field::new("max", Literal::Text("10 MB"), "Largest request body.").between("1 B", "1 TB");
//! const SECTION: Section = Section::new("body", "Size of request bodies.", &[MAX.spec()]).per_route();
//!
//! let values = Values::defaults(&SECTION);
//! assert_eq!(values.get(&MAX)?.bytes(), 10_000_000);
//! # Ok::<(), seawall_core::settings::BadSetting>(())
//! ```

mod day;
mod field;
mod near;
mod raw;
mod section;
mod size;
mod span;
mod strength;
mod values;

pub use day::Day;
pub use field::{Field, FieldSpec};
pub use near::nearest;
pub use raw::{Literal, Raw, Secret, Setting, Shape, choice};
pub use section::{Complaint, Section, Situation};
pub use size::Size;
pub use span::Span;
pub use strength::too_short;
pub use values::{BadSetting, Values};
