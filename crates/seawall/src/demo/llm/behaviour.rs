//! What a model's name asks for: which fault, which delays, which answer. Pure.

use std::time::Duration;

/// The longest delay that a name can ask for, for each of its delays.
const LONGEST_MS: u64 = 600_000;

/// The longest answer that a name can ask for.
const MOST_TOKENS: u64 = 20_000;

/// What the fake does with a call. The default works.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Behaviour {
    /// It is refused with this status.
    pub status: Option<u16>,
    /// A refusal says to come again after so many seconds.
    pub retry_after_s: Option<u64>,
    /// What goes wrong does so at the first attempt of each prompt only.
    pub once: bool,
    /// It is never answered.
    pub hang: bool,
    /// Nothing is sent for so long.
    pub slow_headers: Duration,
    /// The first token comes after so long.
    pub latency: Duration,
    /// Each token comes so long after the one before.
    pub drip: Duration,
    /// What goes wrong in the middle of the answer.
    pub trouble: Option<Trouble>,
    /// That goes wrong in a stream before its first token.
    pub first: bool,
    /// What the model says.
    pub says: Says,
    /// Usage is left out.
    pub no_usage: bool,
}

/// What goes wrong in the middle of an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trouble {
    /// It stops, and the connection stays.
    Stall,
    /// The connection closes.
    Cut,
    /// Something comes that is no JSON.
    Malformed,
    /// An error of the dialect comes, and nothing else.
    ErrorFrame,
    /// It is far too long.
    Oversized,
}

/// What the model says.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Says {
    /// What it was told.
    #[default]
    Echo,
    /// That it will not.
    Refusal,
    /// Half of what it would, for want of tokens.
    Length,
    /// That the prompt is too long.
    Context,
    /// So many tokens.
    Tokens(usize),
    /// What the studio of the examples asks for.
    Studio,
}

/// Why a name cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the model `{name}` does not exist: {why}; `seawall demo --help` has the words that may follow `fake-`")]
pub struct UnknownModel {
    name: String,
    why: String,
}

impl Behaviour {
    /// Reads the words after `fake-`. A name without `fake` in it is a real model's, and works.
    ///
    /// # Errors
    /// [`UnknownModel`] for a word that is not in the table, a number beyond its bounds, or two words that cannot both hold.
    pub fn parse(name: &str) -> Result<Self, UnknownModel> {
        let mut behaviour = Self::default();
        let Some(rest) = words(name) else { return Ok(behaviour) };
        let mut words = Words(rest.split('-'));
        while let Some(word) = words.0.next() {
            behaviour.read(word, &mut words).map_err(|why| UnknownModel { name: name.to_owned(), why })?;
        }
        Ok(behaviour)
    }

    /// What happens to an attempt that is not the first one of its prompt. The studio's answers are nothing that goes wrong.
    pub(super) fn at_second_attempt(&self) -> Self {
        match (self.once, self.says) {
            (false, _) => self.clone(),
            (true, Says::Studio) => Self { says: Says::Studio, ..Self::default() },
            (true, _) => Self::default(),
        }
    }

    fn read(&mut self, word: &str, words: &mut Words<'_>) -> Result<(), String> {
        match word {
            "once" => self.once = true,
            "hang" => self.hang = true,
            "retry" => {
                words.expect("retry", "after")?;
                self.retry_after_s = Some(words.number("retry-after", 86_400)?);
            }
            "slow" => {
                words.expect("slow", "headers")?;
                self.slow_headers = words.milliseconds("slow-headers")?;
            }
            "latency" => self.latency = words.milliseconds("latency")?,
            "drip" => self.drip = words.milliseconds("drip")?,
            "stall" => self.fail(Trouble::Stall)?,
            "cut" => self.fail(Trouble::Cut)?,
            "malformed" => self.fail(Trouble::Malformed)?,
            "error" => {
                words.expect("error", "frame")?;
                self.fail(Trouble::ErrorFrame)?;
            }
            "oversized" => self.fail(Trouble::Oversized)?,
            "first" => self.first = true,
            "no" => {
                words.expect("no", "usage")?;
                self.no_usage = true;
            }
            "refusal" => self.say(Says::Refusal)?,
            "length" => self.say(Says::Length)?,
            "context" => self.say(Says::Context)?,
            "studio" => self.say(Says::Studio)?,
            "tokens" => {
                let count = words.number("tokens", MOST_TOKENS)?;
                self.say(Says::Tokens(usize::try_from(count).unwrap_or(usize::MAX)))?;
            }
            _ => self.status = Some(status(word)?),
        }
        Ok(())
    }

    fn fail(&mut self, trouble: Trouble) -> Result<(), String> {
        match self.trouble.replace(trouble) {
            None => Ok(()),
            Some(_) => Err("only one of `stall`, `cut`, `malformed`, `error-frame`, `oversized` can happen".to_owned()),
        }
    }

    fn say(&mut self, says: Says) -> Result<(), String> {
        match std::mem::replace(&mut self.says, says) {
            Says::Echo => Ok(()),
            _ => Err("only one of `refusal`, `length`, `context`, `studio`, `tokens-N` can be said".to_owned()),
        }
    }
}

/// What follows `fake-`; nothing when the name asks for nothing.
fn words(name: &str) -> Option<&str> {
    let rest = name.match_indices("fake").find_map(|(at, fake)| {
        let (before, rest) = (name.get(..at)?, name.get(at + fake.len()..)?);
        (!before.ends_with(char::is_alphanumeric)).then_some(rest)
    })?;
    rest.strip_prefix('-')
}

fn status(word: &str) -> Result<u16, String> {
    match word.parse() {
        Ok(status @ 400..=599) => Ok(status),
        Ok(_) => Err(format!("`{word}` is no status from 400 to 599")),
        Err(_) => Err(format!("`{word}` is no word of the fake's")),
    }
}

struct Words<'n>(std::str::Split<'n, char>);

impl Words<'_> {
    fn expect(&mut self, after: &str, word: &str) -> Result<(), String> {
        if self.0.next() == Some(word) { Ok(()) } else { Err(format!("`{after}` wants to be followed by `-{word}`")) }
    }

    fn milliseconds(&mut self, after: &str) -> Result<Duration, String> {
        self.number(after, LONGEST_MS).map(Duration::from_millis)
    }

    fn number(&mut self, after: &str, most: u64) -> Result<u64, String> {
        let number = self.0.next().and_then(|word| word.parse().ok()).filter(|number| *number <= most);
        number.ok_or_else(|| format!("`{after}` wants to be followed by a number up to {most}"))
    }
}

#[cfg(test)]
mod tests;
