//! Header fields that only Seawall writes: those by which the application behind learns who a request is from.

use http::{HeaderMap, HeaderName};

/// What the names of these fields begin with.
const PREFIX: &[u8] = b"x-seawall-";

/// Whether a field is one that only Seawall writes. An underscore is taken for a dash, as applications do that put fields into
/// variables (CGI, WSGI, FastCGI). Names are in lower case already.
#[must_use]
pub fn own_field(name: &HeaderName) -> bool {
    let dashed = |byte: &u8| if *byte == b'_' { b'-' } else { *byte };
    name.as_str().as_bytes().iter().map(dashed).take(PREFIX.len()).eq(PREFIX.iter().copied())
}

/// Removes such fields, in all their spellings and however often they were sent.
pub fn strip_own_fields(fields: &mut HeaderMap) {
    strip_own_fields_but(fields, &[]);
}

/// The same, but for those of these names, in lower case, that were sent once: what they say is the client's word.
pub fn strip_own_fields_but(fields: &mut HeaderMap, words: &[&str]) {
    // Most messages have none.
    let stays = |name: &HeaderName| words.contains(&name.as_str()) && fields.get_all(name).iter().count() == 1;
    let stripped: Vec<HeaderName> = fields.keys().filter(|name| own_field(name) && !stays(name)).cloned().collect();
    for name in stripped {
        fields.remove(&name);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn own_fields_are_removed_in_every_spelling_and_others_stay() {
        let mut fields = HeaderMap::new();
        for name in
            ["X-Seawall-User", "x_seawall_user", "X-SEAWALL_Roles", "x-seawall-", "x-seawall", "x-seawalls", "cookie"]
        {
            for value in ["1", "2"] {
                fields.append(HeaderName::from_bytes(name.as_bytes()).unwrap(), value.parse().unwrap());
            }
        }
        strip_own_fields(&mut fields);
        let mut left: Vec<_> = fields.keys().map(HeaderName::as_str).collect();
        left.sort_unstable();
        assert_eq!(left, ["cookie", "x-seawall", "x-seawalls"]);
    }

    #[test]
    fn a_word_of_the_client_stays_when_it_was_said_once_and_as_it_is_spelled() {
        let mut fields = HeaderMap::new();
        for name in ["x-seawall-project", "x_seawall_project", "x-seawall-user", "x-seawall-twice", "x-seawall-twice"] {
            fields.append(HeaderName::from_static(name), "1".parse().unwrap());
        }
        strip_own_fields_but(&mut fields, &["x-seawall-project", "x-seawall-twice"]);
        assert_eq!(fields.keys().map(HeaderName::as_str).collect::<Vec<_>>(), ["x-seawall-project"]);
    }
}
