//! Which names lead to which certificate.

use rustls::crypto::aws_lc_rs::default_provider;

use super::{
    super::{files::Files, testing::Directory},
    *,
};

#[test]
fn names_choose_exactly_then_by_wildcard_then_the_first() {
    let directory = Directory::new();
    directory.certify("main", &["example.com", "www.example.com"]);
    directory.certify("wild", &["*.example.com", "*.example.org", "example.com"]);
    directory.certify("deep", &["a.b.example.org"]);
    let settings = directory.settings(&["main", "wild", "deep"], &[]);
    let files = Files::read(&settings).unwrap();
    let pairs = settings.certificates.iter().zip(&files.certificates);
    let certificates = pairs.map(|(files, contents)| Certificate::new(files, contents, &default_provider()).unwrap());
    let certificates = certificates.collect::<Vec<_>>();
    let resolver = Resolver::new(&certificates);
    for (name, entry) in [
        (Some("example.com"), "main"),
        (Some("www.example.com"), "main"),
        (Some("api.example.com"), "wild"),
        (Some("api.example.org"), "wild"),
        (Some("a.b.example.org"), "deep"),
        (Some("c.b.example.org"), "main"),
        (Some("example.org"), "main"),
        (Some("localhost"), "main"),
        (Some(".example.org"), "wild"),
        (None, "main"),
    ] {
        let expected = certificates.iter().find(|certificate| certificate.entry == entry).unwrap();
        let found = resolver.find(name).first().unwrap();
        assert!(Arc::ptr_eq(found, &expected.certified), "{name:?} leads to {entry}");
    }
    assert_eq!(resolver.find(Some("example.com")).len(), 2, "both are candidates, the first first");
}
