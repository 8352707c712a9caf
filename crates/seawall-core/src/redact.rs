//! Which names hide their values: in headers, query strings and JSON fields.

use std::borrow::Cow;

/// What stands in place of a hidden value.
pub const HIDDEN: &str = "[redacted]";

/// Fragments of names whose values are secrets (checklist WK-2), compared without case and without `-` and `_`.
const SECRET_FRAGMENTS: &[&str] = &[
    "password",
    "passwd",
    "secret",
    "token",
    "apikey",
    "auth",
    "credential",
    "bearer",
    "cookie",
    "session",
    "signature",
    "privatekey",
];

/// Names that are secret as a whole word only: as a fragment they would hide too much (`keyboard`, `monkey`).
const SECRET_WORDS: &[&str] = &["key", "pin", "otp", "jwt", "sid"];

/// A name that is secret in a query only, where OAuth puts its authorisation code; elsewhere it is an error's number.
const QUERY_SECRET: &str = "code";

/// What the answer of an OAuth server is bound to, and what tells such an answer; alone it is any application's own word.
const BOUND_TO: &str = "state";
const ANSWERS: [&str; 2] = [QUERY_SECRET, "error"];

/// Whether a field of this name hides its value. Words are divided by anything that is not a letter or digit, and by a
/// change from lower to upper case.
#[must_use]
pub fn hides(name: &str) -> bool {
    let letters = letters(name.as_bytes());
    let may_hold = |(of, _): &(&u32, &&str)| *of & !letters == 0;
    let fragments = FRAGMENT_LETTERS.iter().zip(SECRET_FRAGMENTS);
    fragments.filter(may_hold).any(|(_, fragment)| folded_contains(name, fragment))
        || words(name).any(|word| SECRET_WORDS.iter().any(|secret| secret.eq_ignore_ascii_case(word)))
}

/// Appends `query` to `out` with the values of hidden names replaced; everything else stays as it came.
pub fn query(query: &str, out: &mut String) {
    for (index, pair) in query.split('&').enumerate() {
        if index > 0 {
            out.push('&');
        }
        match pair.split_once('=').filter(|(name, _)| hides_encoded(name) || binds(name, query)) {
            Some((name, _)) => {
                out.push_str(name);
                out.push('=');
                out.push_str(HIDDEN);
            }
            None => out.push_str(pair),
        }
    }
}

/// The text with the values of hidden names replaced, wherever it looks like `name: value`, `name=value` or
/// `"name": "value"`. For excerpts of bodies that go to the log; it would rather hide too much.
#[must_use]
pub fn text(text: &str) -> String {
    named_values(&user_passwords(text))
}

/// The text with the passwords in `scheme://user:password@host` replaced.
fn user_passwords(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("://") {
        out.push_str(before);
        out.push_str("://");
        let end = after.find(|c: char| c.is_whitespace() || "/?#\"'<>".contains(c)).unwrap_or(after.len());
        let (authority, remainder) = after.split_at(end);
        match authority.rsplit_once('@').and_then(|(user, host)| Some((user.split_once(':')?.0, host))) {
            Some((user, host)) => out.extend([user, ":", HIDDEN, "@", host]),
            None => out.push_str(authority),
        }
        rest = remainder;
    }
    out.push_str(rest);
    out
}

fn named_values(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find([':', '=']) {
        let (before, after) = rest.split_at(at);
        let name = before
            .trim_end_matches([' ', '"', '\''])
            .rsplit(|c: char| !(c.is_alphanumeric() || "_-".contains(c)))
            .next()
            .unwrap_or_default();
        out.push_str(before);
        let (separator, value) = after.split_at(1);
        out.push_str(separator);
        rest = value;
        if hides(name) {
            let skipped = value.len() - value.trim_start_matches([' ', '"', '\'']).len();
            let (opening, secret) = value.split_at(skipped);
            out.push_str(opening);
            out.push_str(HIDDEN);
            rest = secret.split_at(end_of_secret(secret, opening.ends_with(['"', '\'']))).1;
        }
    }
    out.push_str(rest);
    out
}

/// Where a secret ends: at its closing quote when it is quoted (an escaped quote is part of it), else at what divides fields.
fn end_of_secret(secret: &str, quoted: bool) -> usize {
    let mut escaped = false;
    for (at, c) in secret.char_indices() {
        let ends = if quoted {
            matches!(c, '"' | '\'' | '\n')
        } else {
            matches!(c, '"' | '\'' | ',' | '\n' | '\r' | '&' | ';' | '}')
        };
        if ends && !escaped {
            return at;
        }
        escaped = c == '\\' && !escaped;
    }
    secret.len()
}

/// A bit for each letter that is there, without case: a name without a fragment's letters does not hold it.
const fn letters(name: &[u8]) -> u32 {
    let mut letters = 0;
    let mut rest = name;
    while let [byte, after @ ..] = rest {
        if byte.is_ascii_alphabetic() {
            letters |= 1 << (*byte & 0x1f);
        }
        rest = after;
    }
    letters
}

/// The letters of each fragment.
const FRAGMENT_LETTERS: [u32; SECRET_FRAGMENTS.len()] = {
    let mut all = [0; SECRET_FRAGMENTS.len()];
    let mut at = 0;
    while at < all.len() {
        #[expect(clippy::indexing_slicing, reason = "computed when it is compiled")]
        {
            all[at] = letters(SECRET_FRAGMENTS[at].as_bytes());
        }
        at += 1;
    }
    all
};

/// Whether the letters and digits of a name, without case, hold this fragment. Allocates nothing: it runs for each name of
/// each logged query.
fn folded_contains(name: &str, fragment: &str) -> bool {
    let mut rest = name.bytes().filter(u8::is_ascii_alphanumeric).map(|byte| byte.to_ascii_lowercase());
    loop {
        let mut ahead = rest.clone();
        if fragment.bytes().all(|wanted| ahead.next() == Some(wanted)) {
            return true;
        }
        if rest.next().is_none() {
            return false;
        }
    }
}

/// The words of a name: runs of letters and digits, divided where a capital follows a small letter.
fn words(name: &str) -> impl Iterator<Item = &str> {
    name.split(|c: char| !c.is_ascii_alphanumeric()).flat_map(|run| {
        let mut rest = run;
        std::iter::from_fn(move || {
            let bytes = rest.as_bytes();
            let divides = |pair: &[u8]| matches!(pair, [before, after] if !before.is_ascii_uppercase() && after.is_ascii_uppercase());
            let end = bytes.windows(2).position(divides).map_or(rest.len(), |at| at + 1);
            let (word, after) = rest.split_at(end);
            rest = after;
            (!word.is_empty()).then_some(word)
        })
    })
}

/// Whether a query name hides its value, however it is encoded.
fn hides_encoded(name: &str) -> bool {
    let decoded = if name.contains('%') { Cow::Owned(decoded(name)) } else { Cow::Borrowed(name) };
    hides(&decoded) || decoded.eq_ignore_ascii_case(QUERY_SECRET)
}

/// Whether a query name is `state` in the answer of an OAuth server.
fn binds(name: &str, query: &str) -> bool {
    let named = |pair: &str, wanted: &str| pair.split('=').next().is_some_and(|name| name.eq_ignore_ascii_case(wanted));
    named(name, BOUND_TO) && query.split('&').any(|pair| ANSWERS.iter().any(|answer| named(pair, answer)))
}

/// A query name with its percent-encoding undone, so that `pass%77ord` hides too.
fn decoded(name: &str) -> String {
    let mut out = Vec::with_capacity(name.len());
    let mut bytes = name.bytes();
    while let Some(byte) = bytes.next() {
        if byte != b'%' {
            out.push(byte);
            continue;
        }
        let mut ahead = bytes.clone();
        let digits = [ahead.next(), ahead.next()].map(|digit| digit.and_then(|digit| char::from(digit).to_digit(16)));
        if let [Some(high), Some(low)] = digits {
            out.push(u8::try_from(high * 16 + low).unwrap_or(b'%'));
            bytes = ahead;
        } else {
            out.push(byte);
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wk_2_names_of_the_checklist_hide() {
        for name in [
            "password",
            "user_password",
            "clientSecret",
            "access-token",
            "key",
            "apiKey",
            "API_KEY",
            "x-api-key",
            "Authorization",
            "credential",
            "bearer",
            "Set-Cookie",
            "private_key",
            "sessionId",
        ] {
            assert!(hides(name), "{name} must hide");
        }
        for name in ["keyboard", "monkey", "name", "page", "passage", "zipcode", "user_id", "pinned"] {
            assert!(!hides(name), "{name} must show");
        }
    }

    #[test]
    fn queries_keep_all_but_hidden_values() {
        let mut out = String::new();
        query("code=x&a=1&token=abc&b=&flag&pass%77ord=x&%zz=1", &mut out);
        assert_eq!(out, "code=[redacted]&a=1&token=[redacted]&b=&flag&pass%77ord=[redacted]&%zz=1");
    }

    #[test]
    fn what_a_way_elsewhere_is_bound_to_hides_in_the_answer_and_shows_alone() {
        for (given, shown) in [
            ("state=open&page=2", "state=open&page=2"),
            ("code=x&state=y", "code=[redacted]&state=[redacted]"),
            ("state=y&error=access_denied", "state=[redacted]&error=access_denied"),
        ] {
            let mut out = String::new();
            query(given, &mut out);
            assert_eq!(out, shown);
        }
    }

    #[test]
    fn excerpts_hide_values_in_json_and_in_traces() {
        assert_eq!(
            text(r#"{"user":"ann","password":"s3cret","n":1}"#),
            r#"{"user":"ann","password":"[redacted]","n":1}"#
        );
        assert_eq!(
            text("at db.py line 3\nDB_PASSWORD=hunter2\nhost: x"),
            "at db.py line 3\nDB_PASSWORD=[redacted]\nhost: x"
        );
        assert_eq!(text(r#"{"password":"a\"b, c"}"#), r#"{"password":"[redacted]"}"#);
        assert_eq!(
            text("at postgres://app:hunter2@db:5432/x and http://a/b"),
            "at postgres://app:[redacted]@db:5432/x and http://a/b"
        );
        assert_eq!(text("Error code: 501"), "Error code: 501");
        assert_eq!(text("nothing here"), "nothing here");
    }
}
