//! The script that decides, and how it is called: by its hash, or whole when the server does not have it.

use std::fmt::Write;

use aws_lc_rs::digest::{SHA1_FOR_LEGACY_USE_ONLY, digest};
use redis::{Cmd, ErrorKind, RedisError, ServerErrorKind, aio::MultiplexedConnection};
use seawall_core::limit::{Ask, WORDS, Window};

use super::Timekeeper;

/// The longest counter: a sum of four bytes, and twelve for each of [`WORDS`] entries.
pub const MOST_BYTES: usize = 4 + 12 * WORDS;

const WINDOW: &str = include_str!("window.lua");

/// Microseconds below 2^53 are exact in Lua's numbers until the year 2255.
const SERVER_TIME: &str = "\
local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000000 + tonumber(time[2])
local function kept_ms(left_us) return math.ceil(left_us / 1000) end
";

/// Redis forgets by its own clock, so a counter is kept for a day while tests move theirs.
const ASKED_TIME: &str = "\
local now = tonumber(table.remove(ARGV))
local function kept_ms() return 86400000 end
";

/// The script, and its hash.
#[derive(Debug)]
pub(super) struct Script {
    text: String,
    hash: String,
    timekeeper: Timekeeper,
}

/// One call of it, to be made on a connection.
#[derive(Debug)]
pub(super) struct Call {
    by_hash: Cmd,
    keys: Vec<String>,
    arguments: Vec<u64>,
}

/// What the script looked at: whether it counted the request, and for each quota what was left and when there is one more.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) looked: Vec<(u32, u64)>,
}

impl Script {
    pub(super) fn new(timekeeper: Timekeeper) -> Self {
        let time = match timekeeper {
            Timekeeper::Server => SERVER_TIME,
            Timekeeper::Ask => ASKED_TIME,
        };
        let text = format!("{time}{WINDOW}");
        let hash = digest(&SHA1_FOR_LEGACY_USE_ONLY, text.as_bytes());
        let hash = hash.as_ref().iter().fold(String::new(), |mut hex, byte| {
            // Writing to a string does not fail.
            let _written = write!(hex, "{byte:02x}");
            hex
        });
        Self { text, hash, timekeeper }
    }

    /// A call for one ask.
    pub(super) fn call(&self, ask: &Ask<'_>) -> Call {
        // All of a client's counters by one thing are in one slot of a cluster: only what stands in braces decides.
        let keys = ask.quotas.iter().map(|scoped| {
            let key = ask.keys.of(scoped.quota.per);
            format!("seawall:rate:{{{key}}}:{:016x}", scoped.scope)
        });
        let numbers = ask.quotas.iter().flat_map(|scoped| {
            let window = Window::new(&scoped.quota);
            [u64::from(scoped.quota.limit), window.unit_us(), window.span_us()]
        });
        let now = (self.timekeeper == Timekeeper::Ask).then_some(ask.now.monotonic_us);
        let keys: Vec<String> = keys.collect();
        let arguments: Vec<u64> = std::iter::once(u64::from(ask.cost.max(1))).chain(numbers).chain(now).collect();
        Call { by_hash: command("EVALSHA", &self.hash, &keys, &arguments), keys, arguments }
    }

    /// Makes a call.
    pub(super) async fn run(&self, call: &Call, connection: &mut MultiplexedConnection) -> Result<Answer, RedisError> {
        let answer: Result<Vec<u64>, _> = match call.by_hash.query_async(connection).await {
            Err(error) if error.kind() == ErrorKind::Server(ServerErrorKind::NoScript) => {
                command("EVAL", &self.text, &call.keys, &call.arguments).query_async(connection).await
            }
            answer => answer,
        };
        Answer::read(&answer?).ok_or_else(|| (ErrorKind::UnexpectedReturnType, "not what the script answers").into())
    }
}

impl Answer {
    fn read(numbers: &[u64]) -> Option<Self> {
        let (_accepted, looked) = numbers.split_first()?;
        let looked = looked.chunks(2).map(|pair| match pair {
            [left, reset_us] => Some((u32::try_from(*left).ok()?, *reset_us)),
            _ => None,
        });
        Some(Self { looked: looked.collect::<Option<_>>()? })
    }
}

fn command(name: &str, script: &str, keys: &[String], arguments: &[u64]) -> Cmd {
    let mut command = Cmd::new();
    command.arg(name).arg(script).arg(keys.len()).arg(keys).arg(arguments);
    command
}
