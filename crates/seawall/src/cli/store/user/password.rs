//! Where a password comes from: the terminal, the standard input, or the system's randomness. Never from an argument, which other
//! processes and the shell's history see.

use std::{
    fs::{File, OpenOptions},
    io::{self, BufRead, BufReader, Read, Write},
};

use rustix::termios::{LocalModes, OptionalActions, Termios, tcgetattr, tcsetattr};
use seawall_core::settings::Secret;

/// The longest line that is read, which is longer than any password.
const LONGEST: u64 = 4_096;

/// Letters and digits that nobody takes for one another.
const SIGNS: &[u8; 32] = b"abcdefghijkmnpqrstuvwxyz23456789";

/// How many of them a random password has: 120 bits.
const RANDOM_SIGNS: usize = 24;

/// Asks at the terminal, twice, without showing what is typed.
pub(super) fn from_terminal(name: &str) -> io::Result<Secret> {
    let mut terminal = Terminal::open()?;
    let first = terminal.ask(&format!("Password for {}: ", name.escape_debug()))?;
    let again = terminal.ask("Once more: ")?;
    if first.expose() == again.expose() {
        return Ok(first);
    }
    Err(io::Error::new(io::ErrorKind::InvalidInput, "the two passwords differ"))
}

/// Reads the first line of the standard input.
pub(super) fn from_standard_input() -> io::Result<Secret> {
    line(&mut BufReader::new(io::stdin()))
}

/// A random one.
pub(super) fn random() -> io::Result<Secret> {
    let mut bytes = [0; RANDOM_SIGNS];
    getrandom::fill(&mut bytes).map_err(io::Error::other)?;
    // 32 signs divide 256 evenly, so all are equally likely.
    let sign = |byte: &u8| SIGNS.get(usize::from(byte % 32)).copied().map(char::from).unwrap_or_default();
    Ok(bytes.iter().map(sign).collect::<String>().into())
}

/// The terminal, which shows nothing that is typed until it is dropped.
struct Terminal {
    file: File,
    shown: Termios,
}

impl Terminal {
    fn open() -> io::Result<Self> {
        let hint = |error: io::Error| {
            io::Error::new(
                error.kind(),
                format!(
                    "there is no terminal to ask for the password ({error}); use --password-stdin or --random-password"
                ),
            )
        };
        let file = OpenOptions::new().read(true).write(true).open("/dev/tty").map_err(hint)?;
        let shown = tcgetattr(&file)?;
        let mut hidden = shown.clone();
        hidden.local_modes.remove(LocalModes::ECHO);
        tcsetattr(&file, OptionalActions::Flush, &hidden)?;
        Ok(Self { file, shown })
    }

    fn ask(&mut self, question: &str) -> io::Result<Secret> {
        self.file.write_all(question.as_bytes())?;
        let answer = line(&mut BufReader::new(&self.file));
        self.file.write_all(b"\n")?;
        answer
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        // A terminal that has gone shows nothing anyway.
        let _gone = tcsetattr(&self.file, OptionalActions::Flush, &self.shown);
    }
}

fn line(input: &mut impl BufRead) -> io::Result<Secret> {
    let mut text = String::new();
    input.take(LONGEST).read_line(&mut text)?;
    let kept = text.trim_end_matches(['\r', '\n']).len();
    text.truncate(kept);
    if text.is_empty() {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "no password was given"));
    }
    Ok(text.into())
}
