//! Backups: taking them, proving that they can be restored, restoring them.
//!
//! A *backup* is a snapshot of a source, written through one pipeline (zstd, age, SHA-256) to a *place*, and named by a manifest
//! that is signed and written last. Between snapshots of the store in SQLite, the *capture* writes down every commit, so that any
//! second can be restored. A backup counts only once *verification* has fetched it from the place, restored it and checked it.
//!
//! What to do when lives in [`Schedule`], a pure decision; [`run`] drives all of it.

mod aside;
mod blocking;
mod capture;
#[cfg(feature = "cloud")]
mod cloud;
mod config;
mod directory;
mod document;
mod error;
mod keys;
mod live;
mod local;
mod manifest;
mod meters;
mod others;
mod paced;
mod pipeline;
mod place;
mod postgres;
mod progress;
mod prune;
mod restore;
mod retention;
mod run;
mod schedule;
mod sentinel;
mod ship;
mod snapshot;
mod source;
mod take;
mod time;
mod vault;
mod verify;

use std::sync::Arc;

pub use aside::{copy_before_migration, dump_before_migration};
pub use capture::{CaptureOptions, CaptureStatus};
pub use config::{BackupEntry, BackupSettings, SECTION, STORE, SourceUrl};
pub use error::BackupError;
pub use keys::Keys;
pub use manifest::{AuditHead, Continued, Kind, Manifest, SegmentManifest, Sentinel};
pub use meters::Meters;
pub use others::{restore_directory, restore_postgres};
pub use pipeline::Object;
pub use place::{Place, is_credential};
pub use postgres::PostgresServer;
pub use progress::{Phase, Progress, Step};
pub use prune::prune;
pub use restore::{Moment, Restored, restore};
pub use retention::{Aged, Retention};
pub use run::{Task, run};
pub use schedule::{Due, Schedule, Standing, State};
pub use ship::{begin_generation, ship};
pub use source::Source;
pub use take::take;
pub use vault::{Listing, Vault};
pub use verify::{Outcome, Verification, verify};

pub(crate) use capture::{Capture, Notes};
pub(crate) use config::PlaceUrl;
pub(crate) use meters::METRICS;

/// How changes are captured, and how that stands.
pub(crate) type Capturing = (CaptureOptions, Arc<capture::Shared>);
