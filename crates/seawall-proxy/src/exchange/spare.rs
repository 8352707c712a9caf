//! A request's head written down, so that the request can be sent again. Most never are, so writing must cost little; a copy of
//! the map itself would count references to every value.

use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Uri, Version};
use seawall_guards::Head;
use smallvec::SmallVec;

/// A head as it was sent. Extensions are not kept: they belong to the connection that the request came over.
#[derive(Debug)]
pub(super) struct Spare {
    method: Method,
    uri: Uri,
    version: Version,
    /// Names and values, one after the other.
    text: Vec<u8>,
    /// Where each name and each value ends in the text.
    fields: SmallVec<[(usize, usize); 16]>,
}

impl Spare {
    /// Writes a head down.
    pub(super) fn of(head: &Head) -> Self {
        let length = head.headers.iter().map(|(name, value)| name.as_str().len() + value.len()).sum();
        let (mut text, mut fields) = (Vec::with_capacity(length), SmallVec::new());
        for (name, value) in &head.headers {
            text.extend_from_slice(name.as_str().as_bytes());
            let name_end = text.len();
            text.extend_from_slice(value.as_bytes());
            fields.push((name_end, text.len()));
        }
        Self { method: head.method.clone(), uri: head.uri.clone(), version: head.version, text, fields }
    }

    /// The head again.
    pub(super) fn read(self) -> Box<Head> {
        let mut head = Request::new(()).into_parts().0;
        head.headers = HeaderMap::with_capacity(self.fields.len());
        let mut start = 0;
        for (name_end, end) in self.fields {
            let name = self.text.get(start..name_end).and_then(|name| HeaderName::from_bytes(name).ok());
            let value = self.text.get(name_end..end).and_then(|value| HeaderValue::from_bytes(value).ok());
            // Both were a name and a value before.
            if let (Some(name), Some(value)) = (name, value) {
                head.headers.append(name, value);
            }
            start = end;
        }
        (head.method, head.uri, head.version) = (self.method, self.uri, self.version);
        Box::new(head)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_head_is_the_same_when_it_is_read_again() {
        let request = Request::put("/a?b=c")
            .version(Version::HTTP_10)
            .header("host", "a.test")
            .header("cookie", "a=1")
            .header("x-many", "first")
            .header("x-empty", "")
            .header("x-many", HeaderValue::from_bytes(b"caf\xe9").unwrap());
        let head = request.body(()).unwrap().into_parts().0;
        let again = Spare::of(&head).read();
        assert_eq!((&again.method, &again.uri, again.version), (&head.method, &head.uri, head.version));
        assert_eq!(again.headers, head.headers);
    }
}
