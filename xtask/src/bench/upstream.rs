//! The application behind every proxy: a small HTTP/1.1 server that answers each request with the same 1 KB of JSON.
//!
//! It blocks, one thread per connection, and does as little as possible, so that two cores are left for the proxy. The bench
//! starts it as a process of its own; it prints its port and ends when its standard input closes, that is with the bench.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::thread;

use super::process::first_line;
use crate::failure::Failure;
use crate::terminal;

const STACK_BYTES: usize = 64 * 1024;
const BODY_BYTES: usize = 1024;

/// A running upstream; it ends when this is dropped.
pub(crate) struct Upstream {
    pub(crate) port: u16,
    child: Child,
}

impl Upstream {
    pub(crate) fn start() -> Result<Self, Failure> {
        let program =
            std::env::current_exe().map_err(|error| Failure::broken(format!("cannot find this program: {error}")))?;
        let mut command = Command::new(program);
        command.arg("bench-upstream").stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child =
            command.spawn().map_err(|error| Failure::broken(format!("cannot start the upstream: {error}")))?;
        let port = child.stdout.take().and_then(first_line).and_then(|line| line.trim().parse().ok());
        let port = port.ok_or_else(|| Failure::broken("the upstream did not say its port"))?;
        Ok(Self { port, child })
    }
}

impl Drop for Upstream {
    fn drop(&mut self) {
        // Both fail only when it is gone already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Serves until standard input closes.
pub(crate) fn run() -> Result<(), Failure> {
    let listening =
        TcpListener::bind(("127.0.0.1", 0)).and_then(|listener| Ok((listener.local_addr()?.port(), listener)));
    let (port, listener) =
        listening.map_err(|error| Failure::broken(format!("cannot listen on the loopback address: {error}")))?;
    terminal::say(&port.to_string());
    let server = thread::Builder::new().spawn(move || accept(&listener));
    server.map_err(|error| Failure::broken(format!("cannot start a thread: {error}")))?;
    let mut nothing = Vec::new();
    std::io::stdin()
        .read_to_end(&mut nothing)
        .map(|_| ())
        .map_err(|error| Failure::broken(format!("standard input: {error}")))
}

fn accept(listener: &TcpListener) {
    let answer = answer();
    for stream in listener.incoming().flatten() {
        let answer = answer.clone();
        // A connection that gets no thread is closed, and the load generator reports it.
        let _ = thread::Builder::new().stack_size(STACK_BYTES).spawn(move || serve(stream, &answer));
    }
}

/// Answers until the client leaves. Clients of the bench wait for each answer, so what was read ends exactly when one request is complete.
fn serve(mut stream: TcpStream, answer: &[u8]) -> Option<()> {
    stream.set_nodelay(true).ok()?;
    let mut buffer = [0_u8; 8192];
    let mut length = 0;
    loop {
        let read = stream.read(buffer.get_mut(length..)?).ok()?;
        if read == 0 {
            return None;
        }
        length += read;
        if complete(buffer.get(..length)?) {
            stream.write_all(answer).ok()?;
            length = 0;
        }
    }
}

/// Whether a head has come, and as much of a body as it says.
fn complete(request: &[u8]) -> bool {
    if request.ends_with(b"\r\n\r\n") && request.starts_with(b"GET ") {
        return true;
    }
    let Some(end) = request.windows(4).position(|four| four == b"\r\n\r\n") else { return false };
    let (head, body) = request.split_at(end);
    let head = String::from_utf8_lossy(head).to_ascii_lowercase();
    let length = head.lines().find_map(|line| line.strip_prefix("content-length:")).map(str::trim);
    length.is_none_or(|length| length.parse() == Ok(body.len() - 4))
}

fn answer() -> Vec<u8> {
    let body = body();
    format!("HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{body}", body.len())
        .into_bytes()
}

/// A page of records, as an application would answer.
fn body() -> String {
    let records: Vec<String> =
        (0..20).map(|id| format!("{{\"id\":{id},\"name\":\"record number {id}\",\"open\":true}}")).collect();
    let text = format!("{{\"data\":[{}],\"next\":null,\"note\":\"", records.join(","));
    let filling = BODY_BYTES.saturating_sub(text.len() + 2);
    format!("{text}{}\"}}", "x".repeat(filling))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_answer_is_a_kilobyte_of_json() {
        assert_eq!(body().len(), BODY_BYTES);
        assert!(body().starts_with("{\"data\":[{\"id\":0,") && body().ends_with("x\"}"), "{}", body());
    }

    #[test]
    fn requests_on_one_connection_are_answered_one_by_one() {
        let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let mut client = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        let (server, _) = listener.accept().unwrap();
        let served = thread::spawn(move || serve(server, b"yes"));
        let mut answer = [0_u8; 3];
        for request in [
            "GET / HTTP/1.1\r\n\r\n",
            "GET /x HTTP/1.1\r\nhost: a\r\n\r\n",
            "POST / HTTP/1.1\r\nContent-Length: 2\r\n\r\nab",
        ] {
            client.write_all(request.as_bytes()).unwrap();
            client.read_exact(&mut answer).unwrap();
            assert_eq!(&answer, b"yes");
        }
        drop(client);
        assert_eq!(served.join().unwrap(), None);
    }
}
