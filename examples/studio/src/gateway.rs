//! Calls through Seawall, which holds the providers' keys, tries again, waits no longer than it should, and writes down what a call cost.

use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, Method, Request, StatusCode, header};
use http_body_util::{BodyExt, Full, Limited};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use serde::Deserialize;
use serde_json::Value;
use tokio::{net::TcpStream, time::timeout};

use crate::{
    failure::{self, Failure},
    person::Person,
};

/// The longest that a call may take. Seawall's own limits are shorter; this one is for the day on which Seawall does not keep them.
const LONGEST: Duration = Duration::from_secs(150);

/// The longest that a question about cost may take: a page waits for it.
const LONGEST_FOR_COST: Duration = Duration::from_secs(3);

/// The largest answer. A picture comes as text, which takes a third more.
const MOST_BYTES: usize = 16 << 20;

/// Where Seawall takes calls.
#[derive(Clone, Debug)]
pub(crate) struct Gateway {
    authority: String,
    key: String,
}

/// For whom and for what a call is made: what the row has in which Seawall writes down its cost.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Purpose<'a> {
    pub(crate) person: &'a Person,
    pub(crate) project: &'a str,
}

/// An answer of 200.
#[derive(Clone, Debug)]
pub(crate) struct Answer {
    pub(crate) body: Bytes,
    /// How many rounds of the conversation are left, where they are counted.
    pub(crate) rounds_left: Option<u32>,
    /// Whether there were none left for this call: its answer is empty.
    pub(crate) rounds_over: bool,
}

/// What a project has cost.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Spent {
    pub(crate) calls: u64,
    /// Dollars.
    pub(crate) cost: String,
}

impl Gateway {
    /// Calls go to this address (`http://127.0.0.1:9091`) with this key.
    pub(crate) fn new(outbound: &str, key: &str) -> Self {
        let authority = outbound.trim_start_matches("http://").trim_end_matches('/').to_owned();
        Self { authority, key: key.to_owned() }
    }

    /// Posts JSON to a path.
    ///
    /// # Errors
    /// [`Failure`], in words for people.
    pub(crate) async fn post(&self, path: &str, purpose: Purpose<'_>, body: &Value) -> Result<Answer, Failure> {
        let mut request = self
            .request(Method::POST, path)
            .header(header::CONTENT_TYPE, "application/json")
            .header("x-seawall-project", purpose.project)
            .header("x-seawall-conversation", purpose.project);
        if let Some(token) = &purpose.person.token {
            request = request.header("x-seawall-token", token);
        }
        let request = request.body(Full::from(body.to_string())).map_err(|_| Failure::NoAnswer)?;
        let (status, headers, body) = timeout(LONGEST, self.exchange(request)).await.map_err(|_| Failure::Late)??;
        if status != StatusCode::OK {
            return Err(failure::of_answer(status, &body));
        }
        let field = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
        Ok(Answer {
            rounds_left: field("x-seawall-rounds-left").and_then(|left| left.parse().ok()),
            rounds_over: field("x-seawall-rounds-over") == Some("true"),
            body,
        })
    }

    /// What a project has cost; nothing while nobody can say.
    pub(crate) async fn spent(&self, project: &str) -> Option<Spent> {
        // Ids need no encoding.
        let request = self.request(Method::GET, &format!("/llm/usage?project={project}")).body(Full::default()).ok()?;
        let (status, _, body) = timeout(LONGEST_FOR_COST, self.exchange(request)).await.ok()?.ok()?;
        if status == StatusCode::OK { serde_json::from_slice(&body).ok() } else { None }
    }

    fn request(&self, method: Method, path: &str) -> http::request::Builder {
        Request::builder()
            .method(method)
            .uri(path)
            .header(header::HOST, &self.authority)
            .header(header::AUTHORIZATION, format!("Bearer {}", self.key))
    }

    /// One request on a connection of its own, which ends with this future: Seawall then ends the call at the provider.
    async fn exchange(&self, request: Request<Full<Bytes>>) -> Result<(StatusCode, HeaderMap, Bytes), Failure> {
        let stream = TcpStream::connect(&self.authority).await.map_err(|_| Failure::NoAnswer)?;
        let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await.map_err(|_| Failure::NoAnswer)?;
        let talk = async {
            let response = sender.send_request(request).await.map_err(|_| Failure::NoAnswer)?;
            let (head, body) = response.into_parts();
            let body = Limited::new(body, MOST_BYTES).collect().await.map_err(|_| Failure::Unreadable)?;
            Ok((head.status, head.headers, body.to_bytes()))
        };
        let carry = async {
            // How it ended is told by the answer, or by its lack.
            let _ended = connection.await;
            std::future::pending().await
        };
        tokio::select! {
            biased;
            answer = talk => answer,
            never = carry => never,
        }
    }
}
