//! What is known of a client's certificate: whose it says it is, and which it is.

mod name;

use std::fmt::Write;

use http::{HeaderName, HeaderValue};
use sha2::{Digest, Sha256};

/// Whose the certificate says it is.
static SUBJECT: HeaderName = HeaderName::from_static("x-seawall-certificate-subject");
/// Which it is.
static FINGERPRINT: HeaderName = HeaderName::from_static("x-seawall-certificate-sha256");

/// A client's certificate that was verified; made once per connection. Its texts are printable ASCII.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClientCertificate {
    subject: Option<HeaderValue>,
    fingerprint: HeaderValue,
    told: bool,
}

impl ClientCertificate {
    /// The certificate whose DER form, and whose subject in it (a `Name` without its outer tag and length, RFC 5280 section 4.1.2.4),
    /// these are. `told` says whether the application is told of it.
    #[must_use]
    pub fn new(der: &[u8], subject: &[u8], told: bool) -> Self {
        // Both hold printable ASCII, which every field may have.
        let value = |text: &str| HeaderValue::from_str(text).ok();
        let subject = name::text(subject).filter(|text| !text.is_empty()).and_then(|text| value(&text));
        let fingerprint = value(&fingerprint(der)).unwrap_or_else(|| HeaderValue::from_static(""));
        Self { subject, fingerprint, told }
    }

    /// The subject as RFC 4514 writes it, the last part of the name first. Nothing when the certificate names none, or one that is
    /// malformed or longer than 1,024 bytes: a name that was cut could be another's.
    #[must_use]
    pub fn subject(&self) -> Option<&str> {
        self.subject.as_ref()?.to_str().ok()
    }

    /// The SHA-256 of the whole certificate, as 64 hexadecimal digits in upper case.
    #[must_use]
    pub fn fingerprint(&self) -> &str {
        self.fingerprint.to_str().unwrap_or_default()
    }

    /// Whether the application is told of it.
    #[must_use]
    pub const fn told(&self) -> bool {
        self.told
    }

    /// The fields by which the application is told of it; none when it is not.
    pub fn told_fields(&self) -> impl Iterator<Item = (&'static HeaderName, &HeaderValue)> {
        let fields = [(&SUBJECT, self.subject.as_ref()), (&FINGERPRINT, Some(&self.fingerprint))];
        fields.into_iter().filter(|_| self.told).filter_map(|(name, value)| Some((name, value?)))
    }
}

fn fingerprint(der: &[u8]) -> String {
    let mut text = String::with_capacity(64);
    for byte in Sha256::digest(der) {
        // Writing to a string cannot fail.
        let _infallible = write!(text, "{byte:02X}");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `C=DE` and `CN=a`.
    const DER: [u8; 25] =
        [0x31, 11, 0x30, 9, 6, 3, 0x55, 4, 6, 0x13, 2, b'D', b'E', 0x31, 10, 0x30, 8, 6, 3, 0x55, 4, 3, 0x0c, 1, b'a'];

    #[test]
    fn the_application_is_told_only_when_it_is_to_be() {
        let told = |told| {
            let certificate = ClientCertificate::new(b"abc", &DER, told);
            assert_eq!(certificate.subject(), Some("CN=a,C=DE"));
            // FIPS 180-2, appendix B.1.
            assert_eq!(certificate.fingerprint(), "BA7816BF8F01CFEA414140DE5DAE2223B00361A396177A9CB410FF61F20015AD");
            certificate.told_fields().map(|(name, value)| format!("{name}: {value:?}")).collect::<Vec<_>>()
        };
        assert_eq!(told(false), Vec::<String>::new());
        assert_eq!(told(true)[0], "x-seawall-certificate-subject: \"CN=a,C=DE\"");
        assert!(told(true)[1].starts_with("x-seawall-certificate-sha256: \"BA7816BF"));
    }

    #[test]
    fn a_certificate_without_a_name_still_has_its_fingerprint() {
        for subject in [&b""[..], &DER[..24], b"\x31"] {
            let certificate = ClientCertificate::new(b"abc", subject, true);
            assert_eq!(certificate.subject(), None);
            assert_eq!(certificate.told_fields().count(), 1);
        }
    }
}
