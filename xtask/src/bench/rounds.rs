//! Rounds of requests: all connections ask together, and all answers are read before they ask again.

use super::http::Connection;
use crate::failure::Failure;

/// How many ask together.
pub(super) const CONNECTIONS: u32 = 32;

/// What stands in a request where each has a number of its own.
const NUMBER: &str = "@NUMBER@";

/// Connections that are kept from one round to the next.
pub(super) struct Rounds {
    connections: Vec<Connection>,
    request: String,
    /// The next number, of one length for all.
    next: u32,
}

impl Rounds {
    /// Connects; `@NUMBER@` in the request becomes a number of its own in each.
    pub(super) fn open(port: u16, request: &str) -> Result<Self, Failure> {
        let connections = (0..CONNECTIONS).map(|_| Connection::open(port)).collect::<Result<_, _>>()?;
        Ok(Self { connections, request: request.to_owned(), next: 0 })
    }

    /// So many rounds; every answer must be a 200.
    pub(super) fn ask(&mut self, rounds: u32) -> Result<(), Failure> {
        let numbered = self.request.contains(NUMBER);
        for _ in 0..rounds {
            for connection in &mut self.connections {
                if numbered {
                    connection.send(&self.request.replace(NUMBER, &format!("{:08}", self.next)))?;
                    self.next += 1;
                } else {
                    connection.send(&self.request)?;
                }
            }
            for connection in &mut self.connections {
                let status = connection.answer()?.status;
                if status != 200 {
                    return Err(Failure::broken(format!("a request was answered with {status}")));
                }
            }
        }
        Ok(())
    }
}
