//! Documents that the application gives itself: fetched from it before anything is built of them.

use std::{collections::BTreeMap, time::Duration};

use seawall_config::Config;
use seawall_core::settings::{BadSetting, Span};
use seawall_guards::schema::{self, DocumentSource, MOST_BYTES, is_json};
use seawall_proxy::{Given, Upstream};
use tokio::time::{Instant, sleep};

use super::Documents;

/// What asking all servers once may take.
const ATTEMPT: Duration = Duration::from_secs(5);

/// The most characters of a media type that are told.
const SHOWN: usize = 64;

/// How long is waited before they are asked again.
const PAUSE: Duration = Duration::from_millis(500);

/// How long an application is waited for that does not give its document.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::app) enum Patience {
    /// As long as its settings say: it may come up later than Seawall.
    AsConfigured,
    /// Not at all: it is asked once.
    None,
}

/// The application did not give its document.
#[derive(Debug, thiserror::Error)]
#[error(
    "the application did not give its document at {path}, asked {attempts} times in {:.1} s: {reason}",
    took.as_secs_f32()
)]
pub struct DocumentFault {
    path: String,
    attempts: u32,
    took: Duration,
    reason: String,
}

/// The paths of the application that a configuration names, and how long each is waited for at most.
///
/// # Errors
/// [`BadSetting`] when the settings are not checked ones.
pub(crate) fn fetched(config: &Config) -> Result<BTreeMap<String, Span>, BadSetting> {
    let mut paths: BTreeMap<String, Span> = BTreeMap::new();
    let routes = config.routes().iter().map(|route| route.values(&schema::SECTION));
    for values in routes.chain([config.values(&schema::SECTION)]) {
        if let DocumentSource::Application(path) = schema::document_of(values)? {
            let wait = schema::wait_of(values)?;
            let longest = paths.entry(path.to_string()).or_insert(wait);
            *longest = wait.max(*longest);
        }
    }
    Ok(paths)
}

/// Fetches every document that the configuration has the application give.
///
/// # Errors
/// [`DocumentFault`] when one of them is not given in time.
pub(in crate::app) async fn fetch(
    paths: BTreeMap<String, Span>,
    documents: &Documents,
    upstream: &Upstream,
    patience: Patience,
) -> Result<(), DocumentFault> {
    for (path, wait) in paths {
        let wait = match patience {
            Patience::AsConfigured => wait.duration(),
            Patience::None => Duration::ZERO,
        };
        one(&path, documents, upstream, wait).await?;
    }
    Ok(())
}

/// Fetches one, again and again for so long.
async fn one(path: &str, documents: &Documents, upstream: &Upstream, wait: Duration) -> Result<(), DocumentFault> {
    let began = Instant::now();
    let mut attempts = 0;
    loop {
        attempts += 1;
        let reason = match upstream.give(path, MOST_BYTES, ATTEMPT, usable).await {
            Ok(given) => {
                documents.keep(path, given.body);
                return Ok(());
            }
            Err(reason) => reason,
        };
        let took = began.elapsed();
        if took + PAUSE >= wait {
            return Err(DocumentFault { path: path.to_owned(), attempts, took, reason });
        }
        if attempts == 1 {
            let wait_ms = wait.as_millis();
            tracing::warn!(
                document.path = path,
                error = reason.as_str(),
                wait_ms,
                "the application does not give its document yet; it is asked again"
            );
        }
        sleep(PAUSE).await;
    }
}

/// Whether an answer can be a document. What is in it is looked at where it is compiled.
fn usable(given: &Given) -> Result<(), String> {
    if given.status != http::StatusCode::OK {
        return Err(format!("it was answered with status {}", given.status.as_u16()));
    }
    match given.content_type.as_deref() {
        Some(kind) if is_json(kind) => {}
        Some(kind) => {
            let shown: String = kind.chars().take(SHOWN).collect();
            return Err(format!("it was answered as {shown:?}, which is not JSON"));
        }
        None => return Err("it was answered without a `Content-Type`".to_owned()),
    }
    if given.encoded {
        Err("it was answered with a `Content-Encoding`, which was not asked for".to_owned())
    } else {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use http::StatusCode;

    use super::*;

    #[test]
    fn only_json_with_status_200_and_in_clear_is_a_document() {
        let given = |status, kind: Option<&str>, encoded| Given {
            status,
            content_type: kind.map(str::to_owned),
            encoded,
            body: Bytes::new(),
        };
        let json = Some("application/vnd.oai.openapi+json;version=3.1");
        assert_eq!(usable(&given(StatusCode::OK, json, false)), Ok(()));
        for (given, why) in [
            (given(StatusCode::FOUND, json, false), "status 302"),
            (given(StatusCode::OK, Some("text/html"), false), "text/html"),
            (given(StatusCode::OK, None, false), "Content-Type"),
            (given(StatusCode::OK, json, true), "Content-Encoding"),
        ] {
            assert!(usable(&given).unwrap_err().contains(why));
        }
    }
}
