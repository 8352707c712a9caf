//! A fake LLM for tests: the product's own, with what was asked of it in reach.

use std::{
    io,
    net::{Ipv4Addr, SocketAddr, TcpListener},
    time::Duration,
};

use seawall::demo::llm::Llm;
pub use seawall::demo::llm::{Behaviour, Call, Ending, Says, Trouble};
use tokio::task::JoinHandle;

/// The longest that a test waits for a call.
const LIMIT: Duration = Duration::from_secs(20);

/// A server on a free port of this machine. It ends, with its connections, when it is dropped.
#[derive(Debug)]
pub struct FakeLlm {
    address: SocketAddr,
    llm: Llm,
    task: JoinHandle<io::Result<()>>,
}

impl FakeLlm {
    /// Starts one. What goes wrong is chosen by the model's name: `fake`, `fake-429-once`, `fake-cut`, …
    pub async fn start() -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port is free");
        listener.set_nonblocking(true).expect("a socket can be told not to block");
        let address = listener.local_addr().expect("it listens");
        let llm = Llm::default();
        let served = llm.clone();
        let task = tokio::spawn(async move { served.serve(listener).await });
        Self { address, llm, task }
    }

    /// Without a path: OpenAI's libraries want `/v1` after it.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Where it listens.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// The calls so far, the one that is being answered among them.
    #[must_use]
    pub fn calls(&self) -> Vec<Call> {
        self.llm.calls()
    }

    /// Does with every call from the next one on what this model's name asks for.
    pub fn become_model(&self, name: &str) {
        self.llm.always(Behaviour::parse(name).expect("the fake knows the name"));
    }

    /// Lets the name of each call's model choose again.
    pub fn become_itself(&self) {
        self.llm.by_name();
    }

    /// Does with each of the next calls what one of these names asks for.
    pub fn script(&self, names: &[&str]) {
        self.llm.script(names).expect("the fake knows the names");
    }

    /// How many connections to it are open.
    #[must_use]
    pub fn open_connections(&self) -> usize {
        self.llm.open_connections()
    }

    /// Waits until this holds of the calls so far, and gives them.
    pub async fn until(&self, holds: impl Fn(&[Call]) -> bool) -> Vec<Call> {
        let wait = async {
            loop {
                let calls = self.calls();
                if holds(&calls) {
                    return calls;
                }
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        tokio::time::timeout(LIMIT, wait)
            .await
            .unwrap_or_else(|_| panic!("it does not come to hold of {:?}", self.calls()))
    }

    /// Ends it, and comes back when nobody can connect any more.
    pub async fn end(mut self) {
        self.task.abort();
        let _aborted = (&mut self.task).await;
    }
}

impl Drop for FakeLlm {
    fn drop(&mut self) {
        self.task.abort();
    }
}
