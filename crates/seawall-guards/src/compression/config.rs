//! Section `[compression]`.

use std::sync::Arc;

use seawall_core::{
    meter::{Metric, MetricKind},
    settings::{Field, Literal, Raw, Section, Setting, Shape, Size, Values, choice},
};

use super::{Coding, CompressionGuard};
use crate::{GuardEntry, ReportOnly};

/// Which answers to requests with credentials are compressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum WithCredentials {
    /// None.
    Never,
    /// Those in which no stranger can put a text beside a secret, as far as that can be told.
    Json,
    /// All.
    Always,
}

impl Setting for WithCredentials {
    const SHAPE: Shape = Shape::Choice(&["never", "json", "always"]);

    fn read(raw: &Raw) -> Result<Self, String> {
        choice(raw, &[("never", Self::Never), ("json", Self::Json), ("always", Self::Always)])
    }
}

/// What happens to answers with a strong `ETag`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum StrongEtags {
    /// JSON stays as it is; other tags are made weak.
    Auto,
    /// All are made weak.
    Weaken,
}

impl Setting for StrongEtags {
    const SHAPE: Shape = Shape::Choice(&["auto", "weaken"]);

    fn read(raw: &Raw) -> Result<Self, String> {
        choice(raw, &[("auto", Self::Auto), ("weaken", Self::Weaken)])
    }
}

pub(super) const ENABLED: Field<bool> =
    Field::new("enabled", Literal::Flag(true), "Whether answers are compressed on their way to the client.");
pub(super) const CODINGS: Field<Vec<Coding>> = Field::new(
    "codings",
    Literal::Texts(&["zstd", "br", "gzip"]),
    "The codings offered. Of those that the client wants equally the first is taken. An empty list compresses nothing.",
);
pub(super) const MIN_SIZE: Field<Size> = Field::new(
    "min_size",
    Literal::Text("1400 B"),
    "The smallest answer that is compressed; what fits into one packet arrives no sooner when it is smaller. Answers whose length is not known are compressed.",
)
.between("1 B", "1 GiB");
pub(super) const WITH_CREDENTIALS: Field<WithCredentials> = Field::new(
    "with_credentials",
    Literal::Text("json"),
    "Which answers are compressed although they may hold a secret, which their length could then tell (BREACH). `never`: none that sets a cookie, none to a request with `Cookie` or `Authorization`. `json`: none that sets a cookie; to requests with a cookie or a password only JSON, scripts, styles and fonts, and nothing that another site's page asked for; to bearer tokens everything. `always`: all.",
);
pub(super) const STRONG_ETAGS: Field<StrongEtags> = Field::new(
    "strong_etags",
    Literal::Text("auto"),
    "What happens to an answer with a strong `ETag`, which a compressed answer cannot keep. `weaken` puts `W/` before the tag. `auto` does so too, but leaves JSON with its tag and uncompressed, because programs send such tags back in `If-Match`, where a weak one never matches.",
);
pub(super) const MAX_AT_ONCE: Field<u64> = Field::new(
    "max_at_once",
    Literal::Integer(128),
    "How many answers are compressed at once, over all routes. Further ones go out as they are. Each takes about 1 MiB of memory while it is sent.",
)
.between("1", "100000");

/// The section.
pub const SECTION: Section = Section::new(
    "compression",
    "Compression of answers.",
    &[
        ENABLED.spec(),
        CODINGS.spec(),
        MIN_SIZE.spec(),
        WITH_CREDENTIALS.spec(),
        STRONG_ETAGS.spec(),
        MAX_AT_ONCE.spec(),
    ],
)
.per_route();

/// Answers by coding, and those that found no place.
pub static ANSWERS: Metric = Metric {
    name: "seawall_compression_answers",
    help: "Answers that were compressed, by coding; `full` counts those that were not because too many were at once.",
    kind: MetricKind::Counter,
    labels: &["coding"],
};

/// The catalogue entry.
pub static ENTRY: GuardEntry = GuardEntry {
    name: "compression",
    summary: "Compresses answers that shrink and hold no secret, in the coding that the client wants most.",
    section: &SECTION,
    problems: &[],
    metrics: &[&ANSWERS],
    report_only: ReportOnly::No("it refuses nothing; `enabled = false` compresses nothing"),
    build: |build| {
        // One count for the process: it bounds memory, which all routes share.
        let places = build.shared.permits.places("compression");
        let guard = CompressionGuard::read(build.values, places, &*build.shared.meter)?;
        Ok(guard.map(|guard| Arc::new(guard) as Arc<dyn crate::Guard>))
    },
};

/// The defaults, to change from.
#[must_use]
pub fn values() -> Values {
    Values::defaults(&SECTION)
}
