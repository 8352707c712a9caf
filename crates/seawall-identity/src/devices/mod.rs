//! Devices: paired by a code that a person types, and known from then on by a credential of their own.

mod authenticator;
mod code;
pub(crate) mod codes;
mod live;
pub(crate) mod table;
pub(crate) mod text;

pub(crate) use authenticator::DeviceAuthenticator;
pub(crate) use code::Code;
pub use table::Device;
pub use text::DeviceText;

/// The longest name of a device or an application's session, in characters.
pub(crate) const LONGEST_NAME: usize = 100;
