//! Whether the log is as it was written.

use std::fmt;

use serde_json::Value as Json;

use super::{
    Checkpoint, Record,
    chain::{self, Hash, ORIGIN},
    personal,
};
use crate::{Db, FromRow, Lane, Row, StoreError, hex::hex};

/// Entries that are read in one transaction, so that none takes long.
const BATCH: u32 = 500;

/// What was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// Sealed entries.
    pub entries: i64,
    /// The hash of the last one, in hexadecimal digits.
    pub head: String,
    /// Entries that are not sealed yet, so that nothing shows whether they are as they were written.
    pub unsealed: i64,
    /// Checkpoints that fit, those from outside included.
    pub checkpoints: usize,
    /// The last place that a fitting checkpoint covers; what follows could have been cut off without a trace.
    pub covered: i64,
    /// What does not fit, in order.
    pub findings: Vec<Finding>,
}

/// One thing that does not fit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// What kind of thing.
    pub kind: Tampering,
    /// The first place of the chain that is touched.
    pub from: i64,
    /// The last one.
    pub to: i64,
}

/// What has been done to the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tampering {
    /// An entry was changed.
    Edited,
    /// An entry was put between others.
    Inserted,
    /// Entries are missing.
    Deleted,
    /// The end was cut off.
    Cut,
    /// All of the chain was computed anew from some place on.
    Rewritten,
    /// A checkpoint is not signed by a known key.
    Unsigned,
    /// A personal value is not the one that was recorded.
    Personal,
}

impl Tampering {
    /// Its name, for machines.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Edited => "edited",
            Self::Inserted => "inserted",
            Self::Deleted => "deleted",
            Self::Cut => "cut",
            Self::Rewritten => "rewritten",
            Self::Unsigned => "unsigned",
            Self::Personal => "personal",
        }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { kind, from, to } = self;
        match kind {
            Tampering::Edited => write!(f, "entry {from} is not as it was written, or the one before it is not"),
            Tampering::Inserted => write!(f, "entry {from} was inserted later"),
            Tampering::Deleted => write!(f, "entries {from} to {to} are missing"),
            Tampering::Cut => write!(f, "entries {from} to {to} were cut off: a signed checkpoint has them"),
            Tampering::Rewritten => write!(
                f,
                "the chain was computed anew somewhere from entry {from} to {to}: a signed checkpoint has another hash there"
            ),
            Tampering::Unsigned => write!(f, "the checkpoint at entry {from} is not signed by a known key"),
            Tampering::Personal => write!(f, "a personal value of entry {from} is not the one that was recorded"),
        }
    }
}

/// Reads the whole log and compares it with itself, its checkpoints, and those `outside` the database. Checkpoints count when one of
/// the public `keys` signed them.
///
/// # Errors
/// [`StoreError`] when it cannot be read.
pub async fn verify(db: &Db, keys: &[Vec<u8>], outside: &[Checkpoint]) -> Result<Report, StoreError> {
    let mut checkpoints = db
        .read(Lane::Background, |tx| {
            tx.all("SELECT seq, hash, at, key_id, signature FROM audit_checkpoints ORDER BY seq", &[])
        })
        .await?;
    checkpoints.extend_from_slice(outside);
    checkpoints.sort_by_key(|checkpoint: &Checkpoint| checkpoint.seq);
    let mut walk = Walk::new(checkpoints, keys);
    loop {
        let after = walk.last_seq;
        let batch = db.read(Lane::Background, move |tx| entries_after(tx, after)).await?;
        if batch.is_empty() {
            break;
        }
        batch.iter().for_each(|entry| walk.step(entry));
    }
    // The table's own rule forbids such places; whoever is past that rule shall not be past this.
    let strays: Vec<(i64,)> = db
        .read::<_, StoreError>(Lane::Background, |tx| {
            tx.all("SELECT seq FROM audit_log WHERE seq < 1 ORDER BY seq LIMIT 100", &[])
        })
        .await?;
    strays.into_iter().for_each(|(seq,)| walk.find(Tampering::Inserted, seq, seq));
    let (unsealed,): (i64,) =
        db.read(Lane::Background, |tx| tx.one("SELECT COUNT(*) FROM audit_log WHERE seq IS NULL", &[])).await?;
    Ok(walk.end(unsealed))
}

/// An entry with the personal values that are kept beside it.
struct Kept {
    record: Record,
    seq: i64,
    hash: Hash,
    personal: Vec<PersonalRow>,
}

struct PersonalRow {
    entry_id: String,
    field: String,
    salt: Vec<u8>,
    value: String,
}

impl FromRow for PersonalRow {
    fn from_row(row: &Row<'_>) -> Result<Self, StoreError> {
        let field = row.get("field")?;
        Ok(Self { entry_id: row.get("entry_id")?, field, salt: row.get("salt")?, value: row.get("value")? })
    }
}

impl FromRow for Checkpoint {
    fn from_row(row: &Row<'_>) -> Result<Self, StoreError> {
        Ok(Self {
            seq: row.get("seq")?,
            hash: row.get("hash")?,
            at_us: row.get("at")?,
            key_id: row.get("key_id")?,
            signature: row.get("signature")?,
        })
    }
}

fn entries_after(tx: &mut crate::ReadTx<'_>, after: i64) -> Result<Vec<Kept>, StoreError> {
    let records: Vec<Record> = tx.all(
        "SELECT id, seq, at, actor_kind, actor_id, address, request_id, action, object_kind, object_id, outcome, before, after, hash
         FROM audit_log WHERE seq > $1 ORDER BY seq LIMIT $2",
        &[&after, &BATCH],
    )?;
    let last = records.last().and_then(|record| record.seq).unwrap_or(after);
    let mut personal: Vec<PersonalRow> = tx.all(
        "SELECT entry_id, field, salt, value FROM audit_personal
         WHERE entry_id IN (SELECT id FROM audit_log WHERE seq > $1 AND seq <= $2)",
        &[&after, &last],
    )?;
    records
        .into_iter()
        .map(|record| {
            let (own, others) = personal.drain(..).partition(|row| row.entry_id == record.id);
            personal = others;
            // A hash of another length fits nothing, like one that is missing.
            let hash = record.hash.as_deref().and_then(|hash| hash.try_into().ok()).unwrap_or(ORIGIN);
            Ok(Kept { seq: record.seq.unwrap_or_default(), hash, record, personal: own })
        })
        .collect()
}

/// A walk along the chain.
struct Walk<'a> {
    keys: &'a [Vec<u8>],
    checkpoints: std::iter::Peekable<std::vec::IntoIter<Checkpoint>>,
    /// The place of the last entry seen, as it is recorded.
    last_seq: i64,
    /// The hash that the next entry has to follow.
    previous: Hash,
    /// How many entries were inserted so far: places are that much too great.
    shift: i64,
    /// An entry that does not follow, and the hash it should have followed. What comes after it tells why.
    suspect: Option<(i64, Hash)>,
    entries: i64,
    fitting: usize,
    covered: i64,
    findings: Vec<Finding>,
}

impl<'a> Walk<'a> {
    fn new(checkpoints: Vec<Checkpoint>, keys: &'a [Vec<u8>]) -> Self {
        Self {
            keys,
            checkpoints: checkpoints.into_iter().peekable(),
            last_seq: 0,
            previous: ORIGIN,
            shift: 0,
            suspect: None,
            entries: 0,
            fitting: 0,
            covered: 0,
            findings: Vec::new(),
        }
    }

    fn step(&mut self, entry: &Kept) {
        self.entries += 1;
        if let Some((suspect, before)) = self.suspect.take() {
            let inserted = chain::hash(&before, entry.seq - self.shift - 1, &entry.record) == entry.hash;
            let kind = if inserted { Tampering::Inserted } else { Tampering::Edited };
            self.find(kind, suspect, suspect);
            if inserted {
                self.shift += 1;
                self.previous = before;
            }
        }
        let follows = entry.seq == self.last_seq + 1;
        if !follows {
            self.find(Tampering::Deleted, self.last_seq + 1, entry.seq - 1);
        } else if chain::hash(&self.previous, entry.seq - self.shift, &entry.record) != entry.hash {
            self.suspect = Some((entry.seq, self.previous));
        }
        if !personal_values_fit(entry) {
            self.find(Tampering::Personal, entry.seq, entry.seq);
        }
        self.compare(entry.seq - self.shift, &entry.hash);
        self.last_seq = entry.seq;
        self.previous = entry.hash;
    }

    /// Compares the chain with the checkpoints up to this place.
    fn compare(&mut self, seq: i64, hash: &Hash) {
        while let Some(checkpoint) = self.checkpoints.next_if(|checkpoint| checkpoint.seq <= seq) {
            if !self.keys.iter().any(|key| checkpoint.signed_by(key)) {
                self.find(Tampering::Unsigned, checkpoint.seq, checkpoint.seq);
            } else if checkpoint.seq == seq && checkpoint.hash == *hash {
                self.fitting += 1;
                self.covered = seq;
            } else if checkpoint.seq == seq {
                self.find(Tampering::Rewritten, self.covered + 1, seq);
            }
            // A checkpoint between two entries is at one that is missing, which has been found already.
        }
    }

    fn end(mut self, unsealed: i64) -> Report {
        if let Some((suspect, _)) = self.suspect.take() {
            self.find(Tampering::Edited, suspect, suspect);
        }
        let last = self.last_seq - self.shift;
        let mut cut = None;
        while let Some(checkpoint) = self.checkpoints.next() {
            if self.keys.iter().any(|key| checkpoint.signed_by(key)) {
                cut = Some(checkpoint.seq);
            } else {
                self.find(Tampering::Unsigned, checkpoint.seq, checkpoint.seq);
            }
        }
        if let Some(to) = cut {
            self.find(Tampering::Cut, last + 1, to);
        }
        Report {
            entries: self.entries,
            head: hex(&self.previous),
            unsealed,
            checkpoints: self.fitting,
            covered: self.covered,
            findings: self.findings,
        }
    }

    fn find(&mut self, kind: Tampering, from: i64, to: i64) {
        self.findings.push(Finding { kind, from, to });
    }
}

/// Whether the values beside the chain are those whose hashes stand in it. Erased ones are not there to compare.
fn personal_values_fit(entry: &Kept) -> bool {
    let Record { address, before, after, .. } = &entry.record;
    let recorded = |values: &Option<String>, name: &str| {
        let values: Json = serde_json::from_str(values.as_deref()?).ok()?;
        values.get(name)?.as_str().map(str::to_owned)
    };
    entry.personal.iter().all(|row| {
        let stands = match row.field.split_once('.') {
            None if row.field == "address" => address.clone(),
            Some(("before", name)) => recorded(before, name),
            Some(("after", name)) => recorded(after, name),
            _ => None,
        };
        stands == Some(personal::digest_of(&row.salt, &row.value))
    })
}
