//! Encrypted connections to PostgreSQL.

use std::fs;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use seawall_store::{DatabaseUrl, Lane, OpenError, Options, StoreError};
use tempfile::TempDir;

use crate::support::{chain, open, server::Server};

/// A server with a certificate for `localhost`, and the root that vouches for it.
struct Encrypted {
    server: Server,
    files: TempDir,
}

impl Encrypted {
    fn start() -> Self {
        let files = tempfile::tempdir().unwrap();
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let root = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
        let key = KeyPair::generate().unwrap();
        let leaf = CertificateParams::new(vec!["localhost".to_owned()]).unwrap().signed_by(&key, &root).unwrap();
        fs::write(files.path().join("root.pem"), root.pem()).unwrap();
        let server = Server::start_with(&["ssl=on"], |data, give| {
            for (name, text) in [("server.crt", leaf.pem()), ("server.key", key.serialize_pem())] {
                fs::write(data.join(name), text).unwrap();
                give(&data.join(name));
            }
        });
        Self { server, files }
    }

    fn url(&self, host: &str, parameters: &str) -> DatabaseUrl {
        let url = self.server.tcp_url("seawall", parameters).replace("127.0.0.1", host);
        DatabaseUrl::parse(&url).unwrap()
    }

    fn roots(&self) -> String {
        format!("sslmode=verify-full&sslrootcert={}", self.files.path().join("root.pem").display())
    }
}

/// Whether a connection with this URL is encrypted.
async fn encrypted(url: &DatabaseUrl) -> Result<bool, OpenError> {
    let db = open(url, &Options { connections: 3, ..Options::default() })?;
    let sql = "SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()";
    let row: Result<(bool,), StoreError> = db.read(Lane::Interactive, move |tx| tx.one(sql, &[])).await;
    Ok(row.unwrap().0)
}

#[tokio::test]
async fn connections_are_as_safe_as_was_asked() {
    let store = Encrypted::start();
    let roots = store.roots();
    for (parameters, expected) in
        [("sslmode=disable", false), ("", true), ("sslmode=prefer", true), ("sslmode=require", true), (&roots, true)]
    {
        let outcome = encrypted(&store.url("localhost", parameters)).await;
        assert!(matches!(outcome, Ok(safe) if safe == expected), "{parameters}: {outcome:?}");
    }
}

#[tokio::test]
async fn who_cannot_prove_its_name_is_refused() {
    let store = Encrypted::start();
    let unknown = encrypted(&store.url("localhost", "sslmode=verify-full")).await;
    let error = chain(&unknown.unwrap_err());
    assert!(error.contains("certificate") || error.contains("UnknownIssuer"), "{error}");
    let other_name = encrypted(&store.url("127.0.0.1", &store.roots())).await;
    let error = chain(&other_name.unwrap_err());
    assert!(error.contains("not valid for"), "{error}");
}

#[tokio::test]
async fn nobody_falls_back_to_clear_text() {
    let server = Server::start();
    for mode in ["require", "verify-full"] {
        let url = DatabaseUrl::parse(&server.tcp_url("seawall", &format!("sslmode={mode}"))).unwrap();
        let error = chain(&encrypted(&url).await.unwrap_err());
        assert!(error.contains("TLS") || error.contains("root certificate"), "{mode}: {error}");
    }
}
