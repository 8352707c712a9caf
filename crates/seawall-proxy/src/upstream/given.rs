//! What the application says of itself, asked for by the control plane: a request of Seawall's own, on a connection of its own.

use std::{io, time::Duration};

use bytes::Bytes;
use http::{
    StatusCode,
    header::{CONTENT_ENCODING, CONTENT_TYPE},
};

use super::{Server, Tuning, Upstream};
use crate::edge;

/// What was given at a path of the application.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Given {
    /// The status.
    pub status: StatusCode,
    /// The media type, when there is one and it is text.
    pub content_type: Option<String>,
    /// Whether the body is in a content coding.
    pub encoded: bool,
    /// The body.
    pub body: Bytes,
}

impl Upstream {
    /// Asks for a path, one server after the other, until one gives what is usable, with a body of no more than so many bytes. The request
    /// has no header of any client. All of it takes no longer than `limit`, of which each server has its share.
    ///
    /// # Errors
    /// Why no server did, in words, with the address of each.
    pub async fn give(
        &self,
        path: &str,
        most_bytes: usize,
        limit: Duration,
        usable: fn(&Given) -> Result<(), String>,
    ) -> Result<Given, String> {
        let (servers, tuning) = self.current();
        let share = limit / u32::try_from(servers.len()).unwrap_or(u32::MAX).max(1);
        let mut reasons = Vec::new();
        for server in &*servers {
            let asked = tokio::time::timeout(share, ask(server, &tuning, path, most_bytes, share)).await;
            let given = match asked {
                Ok(given) => given.map_err(|error| error.to_string()),
                Err(_) => Err(format!("no answer within {} ms", share.as_millis())),
            };
            match given.and_then(|given| usable(&given).map(|()| given)) {
                Ok(given) => return Ok(given),
                Err(reason) => reasons.push(format!("{}: {reason}", server.address())),
            }
        }
        Err(reasons.join("; "))
    }
}

async fn ask(server: &Server, tuning: &Tuning, path: &str, most_bytes: usize, limit: Duration) -> io::Result<Given> {
    let (link, spoken) = server.connect(limit, tuning.protocol).await?;
    let answer = edge::fetch(link, spoken, (&server.address().authority(), path), most_bytes).await?;
    let text = |name| answer.headers().get(name).and_then(|value: &http::HeaderValue| value.to_str().ok());
    let encoded = text(CONTENT_ENCODING).is_some_and(|coding| !coding.eq_ignore_ascii_case("identity"))
        || answer.headers().get_all(CONTENT_ENCODING).iter().count() > 1;
    Ok(Given {
        status: answer.status(),
        content_type: text(CONTENT_TYPE).map(str::to_owned),
        encoded,
        body: answer.into_body(),
    })
}
