//! The catalogue: every guard in the order of a request's way, every section, problem and metric. Whatever is generated —
//! the example file, the reference, `explain` — comes from here.

use seawall_config::{Alias, Preset, Schema, top};
use seawall_core::{
    meter::Metric,
    problem::ProblemType,
    settings::{Field, Literal, Section},
};
use seawall_guards::{
    DECISIONS, GuardEntry, access, authentication, body, client_address, compression, conditional, cors, csrf,
    deadline, form, idempotency, json, load_shed, payload_filter, rate_limit, request_id, rescue, retry,
    schema as schema_guard, security_headers, signatures, strict_http, trace_context, versions, websocket,
};
use seawall_proxy::{SERVER_SECTION, TLS_SECTION, UPSTREAM_SECTION};
use seawall_store::migration::Ledger;
use seawall_telemetry::{LOG_SECTION, TRACE_SECTION};

use super::{acceptor, admin, counters, hand_over, health, mail, openapi, reload, supervised};

/// One step of a request's way through the guards.
#[derive(Clone, Copy, Debug)]
pub struct Step {
    /// The guard.
    pub guard: &'static GuardEntry,
    /// Whether it comes before the route is known; such a guard cannot differ by route.
    pub before_route: bool,
    /// Why it stands here.
    pub why: &'static str,
}

const fn before_route(guard: &'static GuardEntry, why: &'static str) -> Step {
    Step { guard, before_route: true, why }
}

const fn by_route(guard: &'static GuardEntry, why: &'static str) -> Step {
    Step { guard, before_route: false, why }
}

/// The order in which guards see a request; answers pass back the other way.
pub static ORDER: [Step; 26] = [
    before_route(
        &strict_http::ENTRY,
        "first, so that nothing reads a head that can be read in two ways, and its limits count only what the client sent",
    ),
    before_route(&request_id::ENTRY, "early, so that whatever follows can be found by its id"),
    before_route(&trace_context::ENTRY, "with the id, so that the log line has its trace"),
    before_route(&client_address::ENTRY, "before anything counts or believes an address"),
    by_route(&rescue::ENTRY, "outermost of the route's guards, so that it sees what the application answered last"),
    by_route(
        &compression::ENTRY,
        "next to it, so that it decides on the answer that all others have left, and compresses none that is replaced",
    ),
    by_route(&security_headers::ENTRY, "outside all that refuse, so that refusals are dressed too"),
    by_route(&deadline::ENTRY, "before anything may wait"),
    by_route(&retry::ENTRY, "beside the time limits, which all attempts share"),
    by_route(
        &cors::ENTRY,
        "before the limits, so that a page can read why it was refused and preflights cost it nothing",
    ),
    by_route(&rate_limit::ENTRY, "before a place is taken, so that a flood from one address takes none"),
    by_route(&websocket::ENTRY, "after the limits, so that broken handshakes count too, and before a place is taken"),
    by_route(
        &load_shed::ENTRY,
        "before anything is looked up for a request, so that no more wait for an answer than there are places",
    ),
    by_route(
        &authentication::ENTRY,
        "after the limits, so that a flood of credentials asks the store for no more than they let through",
    ),
    by_route(
        &csrf::ENTRY,
        "as soon as it is known what the request shows, so that no page of another site spends what the visitor may ask",
    ),
    by_route(
        &rate_limit::BY_PRINCIPAL,
        "as soon as it is known who asks, so that what is refused next was counted too",
    ),
    by_route(&access::ENTRY, "as soon as it is known who asks, and before the body is read"),
    by_route(
        &signatures::ENTRY,
        "after those who may not ask, and before anything that tells what the route takes, so that nobody learns it who cannot sign",
    ),
    by_route(
        &versions::ENTRY,
        "after those who may not ask, so that who uses an old version is somebody who may, and before the body is read",
    ),
    by_route(&body::ENTRY, "on the body, which is read only for requests that all others let pass"),
    by_route(
        &json::ENTRY,
        "after the size, which bounds what is read, and before anything that trusts what the body holds",
    ),
    by_route(&form::ENTRY, "beside JSON, since a body is one or the other"),
    by_route(
        &schema_guard::ENTRY,
        "after the shape, which reads the body that it compares; its heads are of those who may use the route, so that nobody else learns what it takes",
    ),
    by_route(
        &payload_filter::ENTRY,
        "on what is sound, as the last that only looks, so that it guesses about nothing that is refused for certain",
    ),
    by_route(
        &idempotency::ENTRY,
        "last, so that a key is claimed only for a request that nothing else refuses, and each claim is sent on",
    ),
    by_route(
        &conditional::ENTRY,
        "innermost, so that it sees the application's own answer, and holds a resource only for changes that all others let pass",
    ),
];

/// Where Seawall keeps its own files.
pub const DATA: Field<String> = Field::new(
    "data",
    Literal::Text(".seawall"),
    "The directory for Seawall's own files, such as the admin token; relative to the configuration file, or else to the working directory.",
)
.needs_restart();

/// Whether the file is watched.
pub const WATCH: Field<bool> = Field::new(
    "watch",
    Literal::Flag(false),
    "Whether the configuration file and `.env` are looked at once a second, and reloaded when they changed. A file with mistakes changes nothing.",
);

/// The keys at the top of the file.
pub static TOP: Section = Section::new(
    "",
    "What holds for everything.",
    &[top::ENVIRONMENT.spec(), top::MODE.spec(), top::PRESET.spec(), DATA.spec(), WATCH.spec()],
);

/// Sections that belong to no guard, before those that do.
static OWN_SECTIONS: [&Section; 28] = [
    &TOP,
    &UPSTREAM_SECTION,
    &supervised::SECTION,
    &supervised::ENV_SECTION,
    &SERVER_SECTION,
    &TLS_SECTION,
    &admin::SECTION,
    &health::SECTION,
    &seawall_outbound::SECTION,
    &seawall_outbound::CALLERS,
    &seawall_outbound::llm::SECTION,
    &seawall_outbound::llm::PROVIDERS,
    &seawall_outbound::llm::MODELS,
    &seawall_outbound::llm::ROUTES,
    &seawall_outbound::llm::BUDGETS,
    &seawall_outbound::llm::CACHE,
    &seawall_store::SECTION,
    &seawall_store::audit::SECTION,
    &seawall_store::backup::SECTION,
    &seawall_identity::SECTION,
    &seawall_identity::organisations::SECTION,
    &seawall_identity::oidc::SECTION,
    &seawall_identity::passkeys::SECTION,
    &seawall_identity::http::PAGES_SECTION,
    &mail::SECTION,
    &openapi::SECTION,
    &LOG_SECTION,
    &TRACE_SECTION,
];

/// Starting points for kinds of application.
static PRESETS: [Preset; 3] = [
    Preset {
        name: "api",
        documentation: "A JSON API for programs and mobile applications: tighter limits, no pages.",
        toml: include_str!("../../presets/api.toml"),
    },
    Preset {
        name: "browser-app",
        documentation: "An application with pages: looser limits for their assets, framing by the application itself.",
        toml: include_str!("../../presets/browser-app.toml"),
    },
    Preset {
        name: "llm",
        documentation: "An API that answers by language models: few, slow, streamed answers.",
        toml: include_str!("../../presets/llm.toml"),
    },
];

/// The migrations of every crate that keeps something, in the order in which they build on one another.
pub static LEDGERS: [&Ledger; 3] = [&seawall_store::LEDGER, &seawall_identity::LEDGER, &seawall_outbound::LEDGER];

/// The guards whose section is their own; another may share it, with its problems.
fn owners() -> impl Iterator<Item = &'static GuardEntry> {
    ORDER.iter().map(|step| step.guard).filter(|guard| guard.name == guard.section.name)
}

/// Everything that can be configured.
#[must_use]
pub fn schema() -> Schema {
    let guards = owners().map(|guard| guard.section);
    Schema {
        sections: OWN_SECTIONS.iter().copied().chain(guards).collect(),
        presets: PRESETS.to_vec(),
        aliases: vec![Alias { variable: "LOG_LEVEL", section: LOG_SECTION.name, key: "level" }],
    }
}

/// Every problem that a client can see.
pub fn problems() -> impl Iterator<Item = &'static ProblemType> {
    let guards = owners().flat_map(|guard| guard.problems.iter().copied());
    guards
        .chain(seawall_proxy::PROBLEMS.iter().copied())
        .chain(admin::PROBLEMS.iter().copied())
        .chain([&acceptor::PROBLEM])
        .chain(seawall_outbound::PROBLEMS.iter().copied())
        .chain(seawall_identity::http::PROBLEMS.iter().copied())
        .chain(seawall_identity::http::MAIL_PROBLEMS.iter().copied())
        .chain(seawall_identity::http::OIDC_PROBLEMS.iter().copied())
        .chain(seawall_identity::http::PASSKEY_PROBLEMS.iter().copied())
}

/// Every metric.
pub fn metrics() -> impl Iterator<Item = &'static Metric> {
    let guards = ORDER.iter().flat_map(|step| step.guard.metrics.iter().copied());
    let own = seawall_proxy::METRICS.iter().copied().chain(seawall_telemetry::METRICS.iter().copied());
    std::iter::once(&DECISIONS)
        .chain(guards)
        .chain(own)
        .chain(seawall_outbound::METRICS)
        .chain(seawall_store::METRICS)
        .chain(seawall_identity::password::METRICS)
        .chain([&seawall_identity::keys::REFUSALS, &seawall_identity::passkeys::CEREMONIES, &admin::REFUSALS])
        .chain([&acceptor::CLOSED])
        .chain(counters::METRICS)
        .chain(reload::METRICS)
        .chain(hand_over::METRICS)
}

#[cfg(test)]
mod tests;
