//! Seawall's configuration: layers merged into one, every mistake at once with its place, and the rendering of the
//! example file, the reference and the JSON Schema.
//!
//! This crate knows sections only as tables of fields ([`seawall_core::settings::Section`]); what they mean belongs to
//! the crates that own them. It reads neither the environment nor the clock nor the disk: all that comes in through
//! [`Inputs`], secrets kept in files through [`Inputs::read_file`].
//!
//! Layers, later wins: defaults, the preset, the file, `.env`, `SEAWALL__SECTION__KEY` variables, the command line.
//!
//! ```
//! use seawall_config::{Inputs, Schema, SourceText, load, top};
//! use seawall_core::settings::{Field, Literal, Section, Span};
//!
//! const WAIT: Field<Span> = Field::new("wait", Literal::Text("30s"), "Longest wait.").between("1s", "10min");
//! static TOP: Section = Section::new("", "Keys at the top.", &[top::ENVIRONMENT.spec(), top::MODE.spec()]);
//! static UPSTREAM: Section = Section::new("upstream", "The application.", &[WAIT.spec()]);
//!
//! let schema = Schema { sections: vec![&TOP, &UPSTREAM], ..Schema::default() };
//! let file = SourceText::new("seawall.toml", "[upstream]\nwait = \"5s\"\n");
//! let config = load(&schema, Inputs { file: Some(file), ..Inputs::default() })?;
//! assert_eq!(config.values(&UPSTREAM).get(&WAIT).map(Span::ms), Ok(5_000));
//! assert_eq!(config.source(&UPSTREAM, "wait", None).to_string(), "seawall.toml:2");
//!
//! let mistake = SourceText::new("seawall.toml", "[upstream]\nwiat = \"5s\"\n");
//! let problems = load(&schema, Inputs { file: Some(mistake), ..Inputs::default() }).unwrap_err();
//! assert!(problems.to_string().contains("did you mean `wait`"));
//! # Ok::<(), seawall_config::Diagnostics>(())
//! ```

#![warn(missing_docs)]

mod change;
mod check;
mod config;
mod demands;
mod diagnostics;
mod inputs;
mod kept;
mod layer;
mod load;
mod mask;
mod merge;
mod place;
mod print;
pub mod render;
mod schema;
mod secret_file;
mod text;
pub mod top;
mod words;

#[cfg(test)]
mod mistakes;
#[cfg(test)]
mod mutations;
#[cfg(test)]
mod nested;
#[cfg(test)]
mod testing;

pub use change::Change;
pub use config::{Config, Route};
pub use diagnostics::{Code, Colour, Diagnostic, Diagnostics, Location};
pub use inputs::{Inputs, Override, SourceText};
pub use kept::KeptSecret;
pub use load::load;
pub use place::Source;
pub use print::Which;
pub use schema::{Alias, Preset, Schema};
