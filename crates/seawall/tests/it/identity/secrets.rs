//! Nothing that was given out stands in the database, in the log or in the audit log: neither as it is, nor decoded, nor written in
//! another way. Whoever copies the database opens nothing with it (ASVS 5.0, 6.5.2 and 13.3).

mod dump;
mod needles;

use self::needles::Needles;
use super::everything::{Engine, Everything};
use crate::postgres::Server;

/// What the first start writes into the log of a development environment, on purpose.
const TOLD: &str = "the token of the first user";

async fn no_secret_is_kept(engine: Engine) {
    let all = Everything::done(engine).await;
    let audited = all.audit_log().await.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n");
    let log = all.log();
    let kept = dump::of(&all);
    let mut kinds: Vec<&str> = all.secrets.iter().map(|secret| secret.what).collect();
    kinds.sort_unstable();
    kinds.dedup();
    assert!(kinds.len() > 30, "every kind was given out: {kinds:?}");

    // What is no secret is found, so the search finds: a name, and the digest of a secret, which is bytes.
    let digest = |what: &str| {
        let secret = all.secrets.iter().rfind(|secret| secret.what == what).unwrap();
        aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, secret.text.as_bytes()).as_ref().to_vec()
    };
    for (what, bytes) in [("a name", b"Rosalind".to_vec()), ("a digest", digest("a session"))] {
        let control = Needles::of_bytes(what, &bytes);
        for (place, held) in &kept {
            assert!(!control.found_in(held).is_empty(), "{what} is not found in {place}");
        }
    }
    let name = Needles::of_bytes("a name", b"Rosalind");
    assert!(!name.found_in(audited.as_bytes()).is_empty(), "the audit log was looked at");
    assert!(log.contains("there is no user yet"), "the log was looked at");

    let mut found = Vec::new();
    let mut needles = Needles::default();
    all.secrets.iter().for_each(|secret| needles.add(secret.what, &secret.text));
    for (place, held) in &kept {
        found.extend(needles.found_in(held).into_iter().map(|what| format!("{what} in {place}")));
    }
    found.extend(needles.found_in(audited.as_bytes()).into_iter().map(|what| format!("{what} in the audit log")));
    let in_log = needles.found_in(log.as_bytes()).into_iter().filter(|what| !what.starts_with(TOLD));
    found.extend(in_log.map(|what| format!("{what} in the log")));
    assert!(found.is_empty(), "{} of {} secrets are kept:\n{}", found.len(), all.secrets.len(), found.join("\n"));
}

#[tokio::test(flavor = "multi_thread")]
async fn no_secret_of_any_kind_is_in_sqlite_the_log_or_the_audit_log() {
    no_secret_is_kept(Engine::Sqlite).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn no_secret_of_any_kind_is_in_postgresql_the_log_or_the_audit_log() {
    no_secret_is_kept(Engine::Postgres(Server::start())).await;
}
