//! What is counted about encryption.

use seawall_core::meter::{Metric, MetricKind};

/// Handshakes by how they ended.
pub(crate) static HANDSHAKES: Metric = Metric {
    name: "seawall_tls_handshakes",
    help: "Handshakes with clients, by outcome: full, resumed, failed, timed_out, or not TLS at all (plain_http, not_tls).",
    kind: MetricKind::Counter,
    labels: &["outcome"],
};

/// Certificates that were replaced while running.
pub(crate) static RELOADS: Metric = Metric {
    name: "seawall_tls_reloads",
    help: "Changes of certificate files, by outcome: taken_over, or refused because they could not be used.",
    kind: MetricKind::Counter,
    labels: &["outcome"],
};

/// When a certificate expires.
pub(crate) static CERTIFICATE_EXPIRES: Metric = Metric {
    name: "seawall_tls_certificate_expires_seconds",
    help: "When a certificate expires, in seconds since 1970.",
    kind: MetricKind::Gauge,
    labels: &["certificate"],
};
