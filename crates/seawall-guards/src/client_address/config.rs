//! Section `[client_address]`.

use std::sync::Arc;

use seawall_core::{
    http::{Network, Networks, forwarded::Source},
    meter::{Metric, MetricKind},
    settings::{BadSetting, Field, Literal, Section, Values},
};

use super::ClientAddressGuard;
use crate::{GuardEntry, ReportOnly};

pub(super) const TRUSTED: Field<Vec<Network>> = Field::new(
    "trusted",
    Literal::Texts(&[]),
    "Addresses or networks of the proxies in front of Seawall, such as a load balancer's. Only what they say about the client is believed.",
);

pub(super) const HEADER: Field<Source> = Field::new(
    "header",
    Literal::Text("x-forwarded-for"),
    "Which header those proxies write: `x-forwarded-for` or `forwarded`. The other is not believed, because a proxy usually passes it on as a stranger sent it.",
);

/// The section.
pub const SECTION: Section = Section::new(
    "client_address",
    "Who the client is when other proxies stand in front.",
    &[TRUSTED.spec(), HEADER.spec()],
);

pub(super) static UNTRUSTED: Metric = Metric {
    name: "seawall_untrusted_forwarded",
    help: "Requests with forwarding headers from a peer that is not trusted. If it is your load balancer, add it to [client_address] trusted.",
    kind: MetricKind::Counter,
    labels: &[],
};

/// The catalogue entry.
pub static ENTRY: GuardEntry = GuardEntry {
    name: "client_address",
    summary: "Finds the client's address through trusted proxies and replaces forwarding headers that strangers sent.",
    section: &SECTION,
    problems: &[],
    metrics: &[&UNTRUSTED],
    report_only: ReportOnly::No("it refuses nothing; forged headers are always replaced"),
    build: |build| {
        Ok(Some(Arc::new(ClientAddressGuard::new(
            trusted(build.values)?,
            build.values.get(&HEADER)?,
            build.shared.meter.series(&UNTRUSTED, &[]),
        ))))
    },
};

/// The trusted proxies, for guards that ask the same.
///
/// # Errors
/// [`BadSetting`] when they are not checked settings of the section.
pub fn trusted(values: &Values) -> Result<Networks, BadSetting> {
    Ok(values.find(&TRUSTED)?.unwrap_or_default().into())
}

/// The defaults, to change from.
#[must_use]
pub fn values() -> Values {
    Values::defaults(&SECTION)
}
