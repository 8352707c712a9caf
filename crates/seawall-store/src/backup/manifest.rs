//! What a backup is, signed.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::pipeline::Object;

/// One whole backup. Its manifest is written last: without it there is no backup.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    /// Time and a random part; sorts by time.
    pub id: String,
    /// Of what: the name in the configuration, `seawall` for the store itself.
    pub name: String,
    /// What kind of source.
    pub kind: Kind,
    /// The state is that of this time or a little before; changes after it are not in the snapshot. Microseconds since 1970.
    pub taken_at_us: i64,
    /// When the upload was done.
    pub stored_at_us: i64,
    /// The bytes.
    pub object: Object,
    /// Rows by table, or files for a directory.
    pub rows: BTreeMap<String, i64>,
    /// Migrations applied: the last number of each crate.
    pub schema: BTreeMap<String, i64>,
    /// The last sealed entry of the audit log.
    pub audit: Option<AuditHead>,
    /// The row that was written just before.
    pub sentinel: Option<Sentinel>,
    /// SQLite's page size in bytes.
    pub page_size: Option<u32>,
    /// The series of changes that continues this snapshot, and its first segment that has to be replayed on it.
    pub continued: Option<Continued>,
    /// What an operator should know, such as files that changed while they were read.
    pub remarks: Vec<String>,
}

/// What kind of source was backed up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// Seawall's own store in SQLite.
    Store,
    /// A SQLite file of an application.
    Sqlite,
    /// A PostgreSQL database, as `pg_dump -Fc` wrote it.
    Postgres,
    /// A directory, as a tar stream.
    Directory,
}

/// A place in the audit log's chain.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuditHead {
    /// The entry.
    pub seq: i64,
    /// Its hash, in hexadecimal digits.
    pub hash: String,
}

/// A row that is written to be found again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sentinel {
    /// Its value.
    pub value: String,
    /// When it was committed.
    pub at_us: i64,
}

/// How a snapshot goes on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Continued {
    /// The generation: one series of changes without a gap.
    pub generation: String,
    /// The first segment whose changes may be missing in the snapshot.
    pub segment: u64,
}

/// One segment of a generation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SegmentManifest {
    /// The generation.
    pub generation: String,
    /// Its place in it, from 1 without gaps.
    pub number: u64,
    /// When its first change was committed, in microseconds since 1970.
    pub first_at_us: i64,
    /// When its last change was committed.
    pub last_at_us: i64,
    /// The number of its first commit within the generation.
    pub first_commit: u64,
    /// The number of the commit after its last.
    pub next_commit: u64,
    /// The bytes.
    pub object: Object,
}
