//! This product's own: a PHC string of argon2id, after `$seawall$OPTIONS` when a pepper or an older hash is beneath it.
//!
//! `$seawall$pepper=KEY_ID,wrap=RECIPE$argon2id$v=19$m=19456,t=2,p=1$SALT$HASH`, with one of the options or both.

use std::fmt::Write;

use super::{Reading, phc, sized};
use crate::password::{
    Format, KeyId, PasswordError, Stored, encoding::to_base64_bare, recipe::Argon2, wrapping::Inner,
};

const BEGIN: &str = "$seawall$";

pub(super) fn read(text: &str) -> Reading {
    text.strip_prefix(BEGIN).map(options)
}

fn options(rest: &str) -> Result<Stored, PasswordError> {
    let (options, _) = rest.split_once('$').ok_or(Format::Peppered.malformed("it ends after its options"))?;
    let phc = rest.get(options.len()..).unwrap_or_default();
    let (mut pepper, mut inner) = (None, None);
    for option in options.split(',') {
        match option.split_once('=') {
            Some(("pepper", id)) if pepper.is_none() => {
                let id = KeyId::parse(id).map_err(|_| Format::Peppered.malformed("its pepper's name is none"))?;
                pepper = Some(id);
            }
            Some(("wrap", recipe)) if inner.is_none() => inner = Some(Inner::parse(recipe)?),
            _ => return Err(Format::Peppered.malformed("an option is not known or there twice")),
        }
    }
    let format = if inner.is_some() { Format::Wrapped } else { Format::Peppered };
    let (_, argon2, expected) = phc::argon2(phc).ok_or(format.malformed("no argon2id hash follows"))??;
    if !argon2.standard() {
        return Err(format.malformed("what follows is not argon2id"));
    }
    let expected = if pepper.is_some() { sized(format, expected, 32)? } else { expected };
    Ok(Stored::own(format, argon2, inner, pepper, expected))
}

/// A hash in PHC form.
pub(in crate::password) fn write(argon2: &Argon2, hash: &[u8]) -> String {
    format!(
        "$argon2id$v=19$m={},t={},p={}${}${}",
        argon2.memory_kib(),
        argon2.passes(),
        argon2.lanes(),
        to_base64_bare(argon2.salt()),
        to_base64_bare(hash)
    )
}

/// What stands before it.
pub(in crate::password) fn write_options(pepper: Option<&KeyId>, inner: Option<&Inner>) -> String {
    let mut text = String::new();
    let mut option = |name: &str, value: &dyn std::fmt::Display| {
        let before = if text.is_empty() { BEGIN } else { "," };
        // Writing into a string does not fail.
        let _ = write!(text, "{before}{name}={value}");
    };
    if let Some(id) = pepper {
        option("pepper", id);
    }
    if let Some(inner) = inner {
        option("wrap", inner);
    }
    text
}
