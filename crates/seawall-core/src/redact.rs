//! Which names hide their values: in headers, query strings and JSON fields.

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
const SECRET_WORDS: &[&str] = &["key", "pin", "otp", "code", "jwt", "sid"];

/// Whether a field of this name hides its value. Words are divided by anything that is not a letter or digit, and by a
/// change from lower to upper case.
#[must_use]
pub fn hides(name: &str) -> bool {
    let folded: String = name.chars().filter(char::is_ascii_alphanumeric).map(|c| c.to_ascii_lowercase()).collect();
    SECRET_FRAGMENTS.iter().any(|fragment| folded.contains(fragment))
        || words(name).any(|word| SECRET_WORDS.contains(&word.as_str()))
}

/// Appends `query` to `out` with the values of hidden names replaced; everything else stays as it came.
pub fn query(query: &str, out: &mut String) {
    for (index, pair) in query.split('&').enumerate() {
        if index > 0 {
            out.push('&');
        }
        match pair.split_once('=') {
            Some((name, _)) if hides(&decoded(name)) => {
                out.push_str(name);
                out.push('=');
                out.push_str(HIDDEN);
            }
            _ => out.push_str(pair),
        }
    }
}

/// The text with the values of hidden names replaced, wherever it looks like `name: value`, `name=value` or
/// `"name": "value"`. For excerpts of bodies that go to the log; it would rather hide too much.
#[must_use]
pub fn text(text: &str) -> String {
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

/// The words of a name, lower case.
fn words(name: &str) -> impl Iterator<Item = String> + '_ {
    let mut previous_lower = false;
    let mut spaced = String::with_capacity(name.len() + 4);
    for c in name.chars() {
        if c.is_ascii_uppercase() && previous_lower {
            spaced.push(' ');
        }
        previous_lower = c.is_ascii_lowercase() || c.is_ascii_digit();
        spaced.push(if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { ' ' });
    }
    spaced.split(' ').filter(|word| !word.is_empty()).map(str::to_owned).collect::<Vec<_>>().into_iter()
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
        query("a=1&token=abc&b=&flag&pass%77ord=x&%zz=1", &mut out);
        assert_eq!(out, "a=1&token=[redacted]&b=&flag&pass%77ord=[redacted]&%zz=1");
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
        assert_eq!(text("nothing here"), "nothing here");
    }
}
