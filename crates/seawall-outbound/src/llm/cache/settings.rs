//! Section `[llm.cache]`.

use std::time::Duration;

use seawall_core::settings::{BadSetting, Field, Literal, Raw, Section, Setting, Shape, Size, Span, Values, choice};

const ENABLED: Field<bool> = Field::new(
    "enabled",
    Literal::Flag(false),
    "Whether answers are kept and given to whoever asks the same again; the same asked several times at once is then asked once.",
);
const TTL: Field<Span> =
    Field::new("ttl", Literal::Text("1h"), "How long an answer is given again.").between("1s", "30days");
const MEMORY: Field<Size> =
    Field::new("memory", Literal::Text("64 MB"), "How much answers may hold in memory.").between("1 MB", "64 GB");
const STORE: Field<Size> = Field::new(
    "store",
    Literal::Text("256 MB"),
    "How much answers may hold in the database, where they outlive a restart and nodes share them; each is sealed, and opened only by the call that it answers. `0 B` keeps them in memory alone.",
)
.between("0 B", "1 TB");
const LARGEST: Field<Size> = Field::new(
    "largest",
    Literal::Text("1 MB"),
    "The largest answer that is kept; in memory none is larger than a tenth of `memory`.",
)
.between("1 KB", "16 MB");
const SCOPE: Field<Scope> = Field::new(
    "scope",
    Literal::Text("user"),
    "Who is given an answer: `user` whoever calls with the same key for the same user, `caller` whoever calls with the same key, `everybody` every call.",
);
const CHANCE: Field<bool> = Field::new(
    "temperature_above_zero",
    Literal::Flag(false),
    "Whether answers of calls are kept that ask for chance by a `temperature` above 0.",
);

/// The section.
pub static CACHE: Section = Section::new(
    "llm.cache",
    "Answers of language models that are kept. Off unless `enabled`.",
    &[ENABLED.spec(), TTL.spec(), MEMORY.spec(), STORE.spec(), LARGEST.spec(), SCOPE.spec(), CHANCE.spec()],
);

/// Who is given an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Scope {
    User,
    Caller,
    Everybody,
}

impl Setting for Scope {
    const SHAPE: Shape = Shape::Choice(&["user", "caller", "everybody"]);

    fn read(raw: &Raw) -> Result<Self, String> {
        choice(raw, &[("user", Self::User), ("caller", Self::Caller), ("everybody", Self::Everybody)])
    }
}

/// What is kept, for how long, and for whom.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct CacheSettings {
    pub(crate) ttl: Duration,
    pub(crate) memory_bytes: u64,
    /// Nothing is kept in the database when zero.
    pub(crate) store_bytes: u64,
    pub(crate) largest_bytes: usize,
    pub(crate) scope: Scope,
    /// Whether calls are answered that ask for chance.
    pub(crate) chance: bool,
}

impl CacheSettings {
    /// Reads them; nothing when it is off.
    pub(crate) fn read(values: &Values) -> Result<Option<Self>, BadSetting> {
        if !values.get(&ENABLED)? {
            return Ok(None);
        }
        let bytes = |field| values.get(field).map(Size::bytes);
        Ok(Some(Self {
            ttl: values.get(&TTL)?.duration(),
            memory_bytes: bytes(&MEMORY)?,
            store_bytes: bytes(&STORE)?,
            largest_bytes: usize::try_from(bytes(&LARGEST)?).unwrap_or(usize::MAX),
            scope: values.get(&SCOPE)?,
            chance: values.get(&CHANCE)?,
        }))
    }

    /// The time to live, in microseconds.
    pub(crate) fn ttl_us(&self) -> u64 {
        u64::try_from(self.ttl.as_micros()).unwrap_or(u64::MAX)
    }
}
