//! Section `[store]`.

use std::{path::Path, time::Duration};

use seawall_core::settings::{
    BadSetting, Complaint, Field, Literal, Raw, Section, Setting, Shape, Situation, Span, Values, choice,
};

use crate::{DatabaseUrl, Options, counters::RedisUrl};

const URL: Field<DatabaseUrl> = Field::new(
    "url",
    Literal::Unset,
    "Where everything is kept that Seawall keeps: `sqlite://PATH`, relative to the configuration file. Unset, it is `seawall.db` in the `data` directory. A file belongs to one process at a time, and has to be on a local disk.",
)
.needs_restart();
const MIGRATE: Field<Migrate> = Field::new(
    "migrate",
    Literal::Text("start"),
    "When the tables are brought up to this version: \"start\" does it at the start; with \"manual\" Seawall does not start before `seawall migrate up` was run.",
)
.needs_restart();
const MAX_WAITING: Field<u64> = Field::new(
    "max_waiting",
    Literal::Integer(4_096),
    "How many transactions may wait for the database in each lane; more are refused, so that a slow disk is felt where it can be answered.",
)
.between("16", "1000000")
.needs_restart();
const SLOW_STATEMENT: Field<Span> = Field::new(
    "slow_statement",
    Literal::Text("250ms"),
    "From when on a statement is logged as slow, with its text but without its parameters.",
)
.between("1ms", "1min")
.needs_restart();
const REDIS: Field<RedisUrl> = Field::new(
    "redis",
    Literal::Unset,
    "A Redis or Valkey server in which several Seawalls count together, and over which they tell each other what has changed: `redis://HOST:PORT/NUMBER`, encrypted `rediss://USER:PASSWORD@HOST:PORT`, or `redis+unix:///PATH`. Unset, each counts alone; those on one PostgreSQL database tell each other over it.",
)
.needs_restart();
const REDIS_TIMEOUT: Field<Span> = Field::new(
    "redis_timeout",
    Literal::Text("50ms"),
    "How long a request waits for Redis before `when_unavailable` in `[rate_limit]` decides.",
)
.between("1ms", "3s")
.needs_restart();

const REPLICA: Field<DatabaseUrl> = Field::new(
    "replica",
    Literal::Unset,
    "A replica of the PostgreSQL database (or several hosts in one URL, with `load_balance_hosts=random`): lists and exports are read there, a moment old, and from the database itself while no replica answers.",
)
.needs_restart();

/// The section.
pub static SECTION: Section = Section::new(
    "store",
    "The database of Seawall itself: the audit log, and whatever its features keep. Not your application's.",
    &[
        URL.spec(),
        REPLICA.spec(),
        MIGRATE.spec(),
        MAX_WAITING.spec(),
        SLOW_STATEMENT.spec(),
        REDIS.spec(),
        REDIS_TIMEOUT.spec(),
    ],
)
.with_demands(demands);

/// A replica is one of a PostgreSQL database.
fn demands(values: &Values, _: &Situation) -> Vec<Complaint> {
    let postgres = |field| values.find(field).ok().flatten().and_then(|url: DatabaseUrl| url.postgres()).is_some();
    if values.raw(REPLICA.key()).is_none() || (postgres(&REPLICA) && postgres(&URL)) {
        return Vec::new();
    }
    vec![Complaint {
        key: Some(REPLICA.key()),
        what: "a replica is one of a PostgreSQL database, and `url` names none, or `replica` does not".to_owned(),
        help: "give both as postgres://…, or leave `replica` out".to_owned(),
    }]
}

/// When migrations are applied.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Migrate {
    /// At the start.
    Start,
    /// By `seawall migrate up` only.
    Manual,
}

impl Setting for Migrate {
    const SHAPE: Shape = Shape::Choice(&["start", "manual"]);

    fn read(raw: &Raw) -> Result<Self, String> {
        choice(raw, &[("start", Self::Start), ("manual", Self::Manual)])
    }
}

/// What the section says.
#[derive(Clone, Debug)]
pub struct StoreSettings {
    /// Where the database is; nothing when it is in the data directory.
    pub url: Option<DatabaseUrl>,
    /// When migrations are applied.
    pub migrate: Migrate,
    /// How it is used.
    pub options: Options,
    /// Where counters are shared, when they are.
    pub redis: Option<RedisUrl>,
    /// How long an ask of shared counters waits.
    pub redis_timeout: Duration,
}

impl StoreSettings {
    /// Reads the settings. A relative path begins in `directory`.
    ///
    /// # Errors
    /// [`BadSetting`] when they are not checked settings of the section.
    pub fn read(values: &Values, directory: &Path) -> Result<Self, BadSetting> {
        let slow: Duration = values.get(&SLOW_STATEMENT)?.duration();
        let defaults = Options::default();
        Ok(Self {
            url: values.find(&URL)?.map(|url: DatabaseUrl| url.within(directory)),
            migrate: values.get(&MIGRATE)?,
            options: Options {
                replica: values.find(&REPLICA)?.and_then(|url: DatabaseUrl| url.postgres()),
                most_waiting: usize::try_from(values.get(&MAX_WAITING)?).unwrap_or(defaults.most_waiting),
                slow_statement_us: u64::try_from(slow.as_micros()).unwrap_or(u64::MAX),
                ..defaults
            },
            redis: values.find(&REDIS)?,
            redis_timeout: values.get(&REDIS_TIMEOUT)?.duration(),
        })
    }
}
