//! What a schema looks like to people and editors: the example file, the reference, the JSON Schema.

mod example;
mod json_schema;
mod reference;

pub use example::example;
pub use json_schema::json_schema;
pub use reference::reference;

#[cfg(test)]
mod tests;
