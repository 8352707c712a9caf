//! What a signed request says (RFC 9421) and what its signature is about: read strictly, without any cryptography.
//!
//! | file | the idea |
//! |---|---|
//! | `structured` | dictionaries of structured fields (RFC 9651), as far as signatures and digests need them |
//! | `input` | the fields `Signature-Input` and `Signature`: which signatures a request brings, and what each covers |
//! | `component` | one part of a request that a signature covers |
//! | `base` | the bytes that are signed |
//! | `digest` | the field `Content-Digest` (RFC 9530) |

mod base;
mod component;
mod digest;
mod input;
mod structured;
#[cfg(test)]
mod tests;

pub use base::{Absent, Signed, base};
pub use component::{BadComponent, Component};
pub use digest::{Digests, digests};
pub use input::{BadInput, Input, inputs};
pub use structured::{BadField, Bare, Member, Parameters, Value, dictionary};
