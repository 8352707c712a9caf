//! Which certificate a client gets: by the name it asks for (SNI), else the first.

use std::{collections::BTreeMap, sync::Arc};

use rustls::{
    server::{ClientHello, ResolvesServerCert},
    sign::CertifiedKey,
};

use super::certificates::Certificate;

/// All certificates by their names. Immutable: another set is another resolver.
#[derive(Debug)]
pub(super) struct Resolver {
    exact: BTreeMap<String, Vec<Arc<CertifiedKey>>>,
    /// By what follows the `*.`.
    wildcard: BTreeMap<String, Vec<Arc<CertifiedKey>>>,
    default: Vec<Arc<CertifiedKey>>,
}

impl Resolver {
    /// The certificates in the order of the configuration: where two name the same host, the first comes first.
    pub(super) fn new(certificates: &[Certificate]) -> Self {
        let (mut exact, mut wildcard) = (BTreeMap::<_, Vec<_>>::new(), BTreeMap::<_, Vec<_>>::new());
        for certificate in certificates {
            for name in &certificate.names {
                let (table, name) =
                    name.strip_prefix("*.").map_or((&mut exact, name.as_str()), |rest| (&mut wildcard, rest));
                table.entry(name.to_owned()).or_default().push(Arc::clone(&certificate.certified));
            }
        }
        let default = certificates.first().map(|first| Arc::clone(&first.certified)).into_iter().collect();
        Self { exact, wildcard, default }
    }

    /// The certificates for a host; several when they differ in their kind of key. A wildcard stands for exactly one label
    /// (RFC 9525 section 6.3).
    fn find(&self, name: Option<&str>) -> &[Arc<CertifiedKey>] {
        let named = name.and_then(|name| {
            let above = || name.split_once('.').and_then(|(_, rest)| self.wildcard.get(rest));
            self.exact.get(name).or_else(above)
        });
        named.unwrap_or(&self.default)
    }
}

impl ResolvesServerCert for Resolver {
    /// The first whose key the client can verify; the name comes in lower case.
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        let found = self.find(hello.server_name());
        let fits = |certified: &&Arc<CertifiedKey>| certified.key.choose_scheme(hello.signature_schemes()).is_some();
        found.iter().find(fits).or(found.first()).cloned()
    }
}

#[cfg(test)]
mod tests;
