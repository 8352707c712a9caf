//! Requests that a page of another site has a browser make (CSRF; checklist ST-11, RG-7).
//!
//! A browser sends cookies along whoever's page asks. So a request that carries them and may change something, or opens a WebSocket,
//! has to come from the application's own pages: the browser says so itself (`Sec-Fetch-Site`), older ones name the page's origin
//! (`Origin`, or `Referer`). Origins that `[cors]` grants are trusted here as well. Whoever says nothing of all this is no browser of
//! the last years, and passes unless the route asks for more. Keys and bearer tokens are sent by nobody unasked, so requests that show
//! one are none of this guard's business.
//!
//! Where that is not enough, a route asks for a token as well, which a page gets for its session and nobody keeps.
//!
//! A route that takes JSON alone can say so: a form of another site can send nothing of that kind without being asked. Seawall's own
//! paths look for themselves, and trust fewer.

mod additions;
mod config;
mod content_type;
mod guard;
mod sender;
#[cfg(test)]
mod tests;

pub use additions::additions;
pub use config::{ENTRY, SECTION, values};
pub use content_type::ContentType;
pub use guard::{CONTENT_TYPE_REFUSED, CsrfGuard, TOKEN_REFUSED};
