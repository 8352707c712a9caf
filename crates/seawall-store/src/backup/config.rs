//! Section `[backup]` and its entries `[backup.NAME]`.

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use seawall_core::settings::{
    BadSetting, Complaint, Field, FieldSpec, Literal, Raw, Section, Setting, Shape, Situation, Span, Values,
};

use super::{Keys, PostgresServer, Retention, Schedule, take::check_name};

const TO: Field<PlaceUrl> = Field::new(
    "to",
    Literal::Unset,
    "Where backups go: a directory, relative to the configuration file, or `s3://BUCKET/PREFIX`, `gs://BUCKET/PREFIX`, `az://CONTAINER/PREFIX` with credentials from the usual variables (`AWS_…`, `GOOGLE_…`, `AZURE_…`). Choose a place that does not burn with the machine. Unset, no backups are taken.",
)
.needs_restart();
const KEY_FILE: Field<String> = Field::new(
    "key_file",
    Literal::Unset,
    "The age key that backups are encrypted for, relative to the configuration file; made at the first start. Without it no backup can be read: keep a copy elsewhere. Unset, it is `backup.key` in the `data` directory.",
)
.needs_restart();
const RECIPIENTS: Field<Vec<Recipient>> = Field::new(
    "recipients",
    Literal::Texts(&[]),
    "Encrypts backups for these age recipients instead of the key file. Nothing on this machine can read them then, so they are verified and restored on a machine where the key is, with `key_file`.",
)
.needs_restart();
const TRUSTED_KEYS: Field<Vec<PublicKey>> = Field::new(
    "trusted_keys",
    Literal::Texts(&[]),
    "The public halves of the signing keys of other machines whose backups are trusted too: 64 hexadecimal digits, as `seawall backup list` shows them.",
)
.needs_restart();
const EVERY: Field<Span> = Field::new("every", Literal::Text("1h"), "How often a backup is taken (checklist PM-1).")
    .between("1min", "7d")
    .needs_restart();
const VERIFY_EVERY: Field<Span> = Field::new(
    "verify_every",
    Literal::Text("24h"),
    "How often the newest backup is fetched, restored into a scratch directory and checked (checklist RG-14).",
)
.between("1min", "31d")
.needs_restart();
const KEEP_HOURLY: Field<u64> = keep("keep_hourly", 24, "How many hourly backups are kept.");
const KEEP_DAILY: Field<u64> = keep("keep_daily", 7, "How many daily backups are kept.");
const KEEP_WEEKLY: Field<u64> = keep("keep_weekly", 4, "How many weekly backups are kept.");
const KEEP_MONTHLY: Field<u64> = keep("keep_monthly", 12, "How many monthly backups are kept.");
const POINT_IN_TIME: Field<bool> = Field::new(
    "point_in_time",
    Literal::Flag(true),
    "Whether every change of the store in SQLite is captured, so that any second of the last day can be restored. Turn it off where Litestream replicates the store.",
)
.needs_restart();
const SCRATCH: Field<String> = Field::new(
    "scratch",
    Literal::Unset,
    "Where backups are made ready and verified, relative to the configuration file; it needs room for a whole one, and what is there is not encrypted. Unset, it is `backup-scratch` in the `data` directory.",
)
.needs_restart();

const URL: Field<SourceUrl> = Field::new(
    "url",
    Literal::Unset,
    "What is backed up: `postgres://USER:PASSWORD@HOST/DATABASE`, `sqlite://PATH`, or a directory. Relative paths begin at the configuration file.",
)
.needs_restart();
const OWN_EVERY: Field<Span> =
    Field::new("every", Literal::Unset, "How often; unset, as often as `every` in [backup] says.")
        .between("1min", "7d")
        .needs_restart();
const OWN_VERIFY_EVERY: Field<Span> = Field::new(
    "verify_every",
    Literal::Unset,
    "How often it is verified; unset, as often as `verify_every` in [backup] says.",
)
.between("1min", "31d")
.needs_restart();

const ENTRIES: &[FieldSpec] = &[URL.spec(), OWN_EVERY.spec(), OWN_VERIFY_EVERY.spec()];

/// The section.
pub static SECTION: Section = Section::new(
    "backup",
    "Backups: encrypted, signed, and verified by restoring them. The store itself is backed up as `seawall`; each `[backup.NAME]` is something of your application.",
    &[
        TO.spec(),
        KEY_FILE.spec(),
        RECIPIENTS.spec(),
        TRUSTED_KEYS.spec(),
        EVERY.spec(),
        VERIFY_EVERY.spec(),
        KEEP_HOURLY.spec(),
        KEEP_DAILY.spec(),
        KEEP_WEEKLY.spec(),
        KEEP_MONTHLY.spec(),
        POINT_IN_TIME.spec(),
        SCRATCH.spec(),
    ],
)
.with_entries(ENTRIES)
.with_entry_demands(entry_demands);

/// The name of the store's own backups.
pub const STORE: &str = "seawall";

const fn keep(key: &'static str, count: i64, documentation: &'static str) -> Field<u64> {
    Field::new(key, Literal::Integer(count), documentation).between("0", "10000").needs_restart()
}

/// What the section says.
#[derive(Clone, Debug)]
pub struct BackupSettings {
    /// The place; nothing when there are no backups. A directory is an absolute path.
    pub to: Option<String>,
    /// The age key's file; nothing when it is in the data directory.
    pub key_file: Option<PathBuf>,
    /// Whom backups are encrypted for instead.
    pub recipients: Vec<String>,
    /// Public keys that are trusted besides our own.
    pub trusted_keys: Vec<Vec<u8>>,
    /// How often the store is backed up and verified.
    pub schedule: Schedule,
    /// What is kept.
    pub retention: Retention,
    /// Whether changes are captured.
    pub point_in_time: bool,
    /// Where work is done; nothing when it is in the data directory.
    pub scratch: Option<PathBuf>,
    /// What is backed up besides the store.
    pub entries: Vec<BackupEntry>,
}

/// Something of the application that is backed up.
#[derive(Clone, Debug)]
pub struct BackupEntry {
    /// Its name.
    pub name: String,
    /// What it is.
    pub url: SourceUrl,
    /// How often.
    pub schedule: Schedule,
}

impl BackupSettings {
    /// Reads the settings. Relative paths begin in `directory`.
    ///
    /// # Errors
    /// [`BadSetting`] when they are not checked settings of the section, or an entry has a name that backups cannot have.
    pub fn read(values: &Values, entries: &[(String, Values)], directory: &Path) -> Result<Self, BadSetting> {
        let schedule = Schedule {
            backup_every: values.get(&EVERY)?.duration(),
            verify_every: values.get(&VERIFY_EVERY)?.duration(),
        };
        let count = |field| values.get(field).map(|count| usize::try_from(count).unwrap_or(usize::MAX));
        let path = |field| values.find(field).map(|path: Option<String>| path.map(|path| directory.join(path)));
        let entries = entries.iter().map(|(name, values)| BackupEntry::read(name, values, schedule, directory));
        Ok(Self {
            to: values.find(&TO)?.map(|url: PlaceUrl| url.within(directory)),
            key_file: path(&KEY_FILE)?,
            recipients: values.get(&RECIPIENTS)?.into_iter().map(|Recipient(text)| text).collect(),
            trusted_keys: values.get(&TRUSTED_KEYS)?.into_iter().map(|PublicKey(bytes)| bytes).collect(),
            schedule,
            retention: Retention {
                hourly: count(&KEEP_HOURLY)?,
                daily: count(&KEEP_DAILY)?,
                weekly: count(&KEEP_WEEKLY)?,
                monthly: count(&KEEP_MONTHLY)?,
                ..Retention::default()
            },
            point_in_time: values.get(&POINT_IN_TIME)?,
            scratch: path(&SCRATCH)?,
            entries: entries.collect::<Result<_, _>>()?,
        })
    }
}

impl BackupEntry {
    fn read(name: &str, values: &Values, usual: Schedule, directory: &Path) -> Result<Self, BadSetting> {
        entry_name(name).map_err(|reason| BadSetting { key: "backup", reason })?;
        let span =
            |field, usual: Duration| values.find(field).map(|span: Option<Span>| span.map_or(usual, Span::duration));
        Ok(Self {
            name: name.to_owned(),
            url: values.get(&URL)?.within(directory),
            schedule: Schedule {
                backup_every: span(&OWN_EVERY, usual.backup_every)?,
                verify_every: span(&OWN_VERIFY_EVERY, usual.verify_every)?,
            },
        })
    }
}

fn entry_demands(name: &str, values: &Values, _: &Situation) -> Vec<Complaint> {
    let nothing = Complaint {
        key: None,
        what: "the entry says no `url`, so there is nothing to back up".to_owned(),
        help: "give it `url = \"postgres://…\"`, `url = \"sqlite://PATH\"` or `url = \"DIRECTORY\"`".to_owned(),
    };
    let bad_name = entry_name(name).err().map(|what| Complaint {
        key: None,
        what,
        help: "call it otherwise, such as [backup.orders]: it becomes part of names at the place".to_owned(),
    });
    bad_name.into_iter().chain(values.raw(URL.key()).is_none().then_some(nothing)).collect()
}

/// Whether an entry may be called so.
fn entry_name(name: &str) -> Result<(), String> {
    if name == STORE {
        return Err(format!("[backup.{STORE}] is the store's own name; give the entry another"));
    }
    check_name(name).map_err(|error| error.to_string())
}

/// Where backups go.
#[derive(Clone, Debug)]
pub(crate) struct PlaceUrl(String);

impl PlaceUrl {
    /// A directory begins in `directory` unless it is absolute.
    pub(crate) fn within(self, directory: &Path) -> String {
        match self.0.split_once("://") {
            None => directory.join(self.0).to_string_lossy().into_owned(),
            Some(_) => self.0,
        }
    }
}

impl Setting for PlaceUrl {
    const SHAPE: Shape = Shape::Text("place", "s3://bucket/prefix");

    fn read(raw: &Raw) -> Result<Self, String> {
        let Raw::Text(text) = raw else { return Err(format!("expected text, found {}", raw.kind())) };
        let rest = match text.split_once("://") {
            None => text.as_str(),
            Some(("file" | "s3" | "gs" | "az", rest)) => rest,
            Some((scheme, _)) => {
                return Err(format!(
                    "{scheme}:// is no place for backups; expected a directory, s3://BUCKET/PREFIX, gs://BUCKET/PREFIX or az://CONTAINER/PREFIX"
                ));
            }
        };
        if rest.is_empty() { Err("the place has no name".to_owned()) } else { Ok(Self(text.clone())) }
    }
}

/// An age recipient.
#[derive(Clone, Debug)]
struct Recipient(String);

impl Setting for Recipient {
    const SHAPE: Shape = Shape::Text("age recipient", "age1…");

    fn read(raw: &Raw) -> Result<Self, String> {
        let Raw::Text(text) = raw else { return Err(format!("expected text, found {}", raw.kind())) };
        Keys::recipients(&[text]).map(|_| Self(text.clone())).map_err(|error| error.to_string())
    }
}

/// An Ed25519 public key.
#[derive(Clone, Debug)]
struct PublicKey(Vec<u8>);

impl Setting for PublicKey {
    const SHAPE: Shape = Shape::Text("public key", "64 hexadecimal digits");

    fn read(raw: &Raw) -> Result<Self, String> {
        let Raw::Text(text) = raw else { return Err(format!("expected text, found {}", raw.kind())) };
        let digits: Option<Vec<u8>> =
            text.chars().map(|digit| digit.to_digit(16).and_then(|value| u8::try_from(value).ok())).collect();
        let digits = digits.filter(|digits| digits.len() == 64);
        let digits = digits.ok_or_else(|| format!("\"{text}\" is no public key of 64 hexadecimal digits"))?;
        Ok(Self(digits.chunks(2).map(|pair| pair.iter().fold(0, |byte, digit| byte * 16 + digit)).collect()))
    }
}

/// What an entry backs up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SourceUrl {
    /// A SQLite file.
    Sqlite(PathBuf),
    /// A PostgreSQL database.
    Postgres(PostgresServer),
    /// A directory.
    Directory(PathBuf),
}

impl SourceUrl {
    /// Reads `postgres://…`, `sqlite://PATH`, `file://PATH` or a path.
    ///
    /// # Errors
    /// A sentence about what is wrong; it holds no password.
    pub fn parse(text: &str) -> Result<Self, String> {
        let path = |path: &str| match path {
            "" => Err("the path is missing".to_owned()),
            path => Ok(PathBuf::from(path)),
        };
        match text.split_once("://") {
            Some(("postgres" | "postgresql", _)) => {
                PostgresServer::parse(text).map(Self::Postgres).map_err(|error| error.to_string())
            }
            Some(("sqlite", file)) => path(file).map(Self::Sqlite),
            Some(("file", directory)) => path(directory).map(Self::Directory),
            Some((scheme, _)) => {
                Err(format!("{scheme}:// is not known; expected postgres://…, sqlite://PATH or a directory"))
            }
            None => path(text).map(Self::Directory),
        }
    }

    /// The same; a relative path begins in `directory`.
    #[must_use]
    pub fn within(self, directory: &Path) -> Self {
        match self {
            Self::Sqlite(path) => Self::Sqlite(directory.join(path)),
            Self::Directory(path) => Self::Directory(directory.join(path)),
            Self::Postgres(server) => Self::Postgres(server),
        }
    }
}

impl Setting for SourceUrl {
    // It may hold a password.
    const SHAPE: Shape = Shape::Address;

    fn read(raw: &Raw) -> Result<Self, String> {
        match raw {
            Raw::Text(text) => Self::parse(text.trim()),
            other => Err(format!("expected text, found {}", other.kind())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(text: &str) -> Raw {
        Raw::Text(text.to_owned())
    }

    #[test]
    fn relative_paths_begin_at_the_configuration() {
        let values = Values::defaults(&SECTION).with("to", text("backups")).with("scratch", text("/scratch"));
        let entry = Values::of_defaults(ENTRIES).with("url", text("sqlite://orders.db")).with("every", text("2h"));
        let read = BackupSettings::read(&values, &[("orders".to_owned(), entry)], Path::new("/srv/shop")).unwrap();
        assert_eq!(read.to.as_deref(), Some("/srv/shop/backups"));
        assert_eq!(read.scratch.as_deref(), Some(Path::new("/scratch")));
        assert_eq!(read.entries[0].url, SourceUrl::Sqlite("/srv/shop/orders.db".into()));
        let hours =
            |schedule: Schedule| (schedule.backup_every.as_secs() / 3600, schedule.verify_every.as_secs() / 3600);
        assert_eq!((hours(read.schedule), hours(read.entries[0].schedule)), ((1, 24), (2, 24)));
        assert_eq!(read.retention, Retention::default());
    }

    #[test]
    fn names_that_backups_cannot_have_are_refused() {
        for name in ["seawall", "Shop", "a/b"] {
            let entry = Values::of_defaults(ENTRIES).with("url", text("uploads"));
            let read = BackupSettings::read(&Values::defaults(&SECTION), &[(name.to_owned(), entry)], Path::new("/"));
            assert!(read.is_err(), "{name}");
            let values = Values::of_defaults(ENTRIES).with("url", text("uploads"));
            let situation = Situation { environment: seawall_core::Environment::Development, written: true };
            assert_eq!(entry_demands(name, &values, &situation).len(), 1, "{name}");
            assert_eq!(entry_demands("orders", &values, &situation), []);
        }
    }

    #[test]
    fn what_is_wrong_is_said_without_the_password() {
        assert!(SourceUrl::parse("mysql://app:s3cret@db/shop").unwrap_err().contains("mysql:// is not known"));
        assert!(!SourceUrl::parse("postgres://app:%zz-s3cret@db/shop").unwrap_err().contains("s3cret"));
        assert!(SourceUrl::parse("sqlite://").is_err());
        assert!(PlaceUrl::read(&text("ftp://host/x")).unwrap_err().contains("ftp:// is no place"));
        assert!(PlaceUrl::read(&text("s3://")).is_err());
        assert!(Recipient::read(&text("age1nonsense")).unwrap_err().contains("no age recipient"));
        assert!(PublicKey::read(&text("abc")).is_err());
        assert_eq!(PublicKey::read(&text(&"0f".repeat(32))).unwrap().0, [15; 32]);
    }
}
