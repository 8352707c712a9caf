//! The section `tracing`.

use std::fmt;

use http::{Uri, uri::Scheme};
use seawall_core::settings::{BadSetting, Complaint, Field, Literal, Raw, Section, Setting, Shape, Situation, Values};

/// The collector.
const ENDPOINT: Field<Endpoint> = Field::new(
    "endpoint",
    Literal::Unset,
    "The collector that spans are sent to over OTLP/HTTP, such as \"http://localhost:4318\"; the path /v1/traces is added when none is given. Unset, no spans are made; trace ids are passed on all the same.",
)
.needs_restart();

/// The section `tracing`.
pub const TRACE_SECTION: Section = Section::new(
    "tracing",
    "The export of sampled requests as spans, to a collector for OpenTelemetry, Jaeger or Tempo. Only a build with the feature otlp can export.",
    &[ENDPOINT.spec()],
)
.with_demands(demands);

/// The section's values.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TraceSettings {
    /// The collector; without one nothing is exported.
    pub endpoint: Option<Endpoint>,
}

impl TraceSettings {
    /// Reads the section.
    ///
    /// # Errors
    /// [`BadSetting`] when a value is of the wrong type; loading a configuration has excluded that.
    pub fn read(values: &Values) -> Result<Self, BadSetting> {
        Ok(Self { endpoint: values.find(&ENDPOINT)? })
    }
}

/// The address of a collector: plain HTTP, with a host and a path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Endpoint(String);

/// Where a collector takes traces (OTLP/HTTP).
const TRACES: &str = "/v1/traces";

impl Endpoint {
    /// The endpoint in `text`.
    ///
    /// # Errors
    /// A sentence for the person who wrote it.
    pub fn parse(text: &str) -> Result<Self, String> {
        let wrong =
            || format!("\"{text}\" is not the address of a collector; write one such as \"http://localhost:4318\"");
        let uri: Uri = text.trim().parse().map_err(|_| wrong())?;
        if uri.scheme() == Some(&Scheme::HTTPS) {
            return Err(format!(
                "\"{text}\" asks for TLS, which the export does not speak; run a collector beside Seawall and let it forward"
            ));
        }
        let authority = uri.authority().filter(|authority| !authority.as_str().contains('@')).ok_or_else(wrong)?;
        if uri.scheme() != Some(&Scheme::HTTP) || uri.query().is_some() {
            return Err(wrong());
        }
        let path = if uri.path() == "/" { TRACES } else { uri.path() };
        Ok(Self(format!("http://{authority}{path}")))
    }

    /// The address with its path.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Setting for Endpoint {
    const SHAPE: Shape = Shape::Text("collector address", "http://localhost:4318");

    fn read(raw: &Raw) -> Result<Self, String> {
        match raw {
            Raw::Text(text) => Self::parse(text),
            other => Err(format!("expected an address as text, found {}", other.kind())),
        }
    }
}

fn demands(values: &Values, _: &Situation) -> Vec<Complaint> {
    if cfg!(feature = "otlp") || values.raw(ENDPOINT.key()).is_none() {
        return Vec::new();
    }
    vec![Complaint {
        key: Some(ENDPOINT.key()),
        what: "this build has no trace export".to_owned(),
        help: "build with --features otlp, or remove the endpoint".to_owned(),
    }]
}

#[cfg(test)]
mod tests {
    use seawall_core::Environment;

    use super::*;

    #[test]
    fn endpoints_are_plain_http_with_the_path_for_traces() {
        for (text, kept) in [
            ("http://localhost:4318", "http://localhost:4318/v1/traces"),
            ("http://localhost:4318/", "http://localhost:4318/v1/traces"),
            ("http://[::1]:4318/otlp/v1/traces", "http://[::1]:4318/otlp/v1/traces"),
        ] {
            assert_eq!(Endpoint::parse(text).as_ref().map(Endpoint::as_str), Ok(kept));
        }
        for text in
            ["", "localhost:4318", "https://a", "ftp://a", "http://", "http://u:p@a", "/v1/traces", "http://a?b=c"]
        {
            assert!(Endpoint::parse(text).is_err(), "{text:?}");
        }
    }

    #[test]
    fn a_collector_needs_a_build_that_can_export() {
        let situation = Situation { environment: Environment::Development, written: true };
        let unset = Values::defaults(&TRACE_SECTION);
        assert_eq!(demands(&unset, &situation), []);
        assert_eq!(TraceSettings::read(&unset).unwrap().endpoint, None);
        let set = unset.with("endpoint", Raw::Text("http://localhost:4318".to_owned()));
        let complaints = demands(&set, &situation);
        assert_eq!(complaints.is_empty(), cfg!(feature = "otlp"), "{complaints:?}");
    }
}
