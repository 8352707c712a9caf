//! What is read from certificates, and what is said of those that cannot be used.

use std::{fs, os::unix::fs::PermissionsExt};

use rustls::crypto::aws_lc_rs::default_provider;

use super::{
    super::{files::Files, testing::Directory},
    *,
};

/// 2020-01-01, 2021-01-01.
const BEGIN: u64 = 1_577_836_800;
const END: u64 = 1_609_459_200;

fn load(directory: &Directory, entry: &str) -> Result<Certificate, TlsError> {
    let settings = directory.settings(&[entry], &[]);
    let files = Files::read(&settings)?;
    Certificate::new(&settings.certificates[0], &files.certificates[0], &default_provider())
}

fn message(directory: &Directory, entry: &str) -> String {
    let error = load(directory, entry).map(|_| ()).unwrap_err().to_string();
    error.replace(&directory.path().display().to_string(), "DIR")
}

#[test]
fn names_and_dates_are_read() {
    let directory = Directory::new();
    directory.certify_until("main", &["Example.com", "*.Example.com", "192.0.2.1"], 2021);
    let certificate = load(&directory, "main").unwrap();
    assert_eq!(certificate.names, ["example.com", "*.example.com"]);
    assert_eq!((certificate.not_before, certificate.not_after), (BEGIN, END));
}

#[test]
fn what_cannot_be_used_is_named() {
    let directory = Directory::new();
    assert_eq!(message(&directory, "main"), "[tls.main] cannot read DIR/main.pem");
    directory.certify("main", &["example.com"]);
    directory.certify("other", &["example.com"]);
    fs::copy(directory.path().join("other.key"), directory.path().join("main.key")).unwrap();
    assert_eq!(
        message(&directory, "main"),
        "[tls.main] the key in DIR/main.key does not belong to the certificate in DIR/main.pem"
    );
    let pem = |label: &str, content: &str| format!("-----BEGIN {label}-----\n{content}\n-----END {label}-----\n");
    for (key, said) in [
        (String::new(), "it holds no private key in PEM form"),
        (pem("ENCRYPTED PRIVATE KEY", "AAAA"), "the private key in it is encrypted"),
        (pem("PRIVATE KEY", "AAAA"), "keys of this kind are not supported"),
        ("-----BEGIN PRIVATE KEY-----\nc2VjcmV0\n".to_owned(), "it is not well-formed PEM"),
    ] {
        directory.write("main.key", &key);
        let message = message(&directory, "main");
        assert!(message.starts_with(&format!("[tls.main] cannot use DIR/main.key: {said}")), "{message}");
        assert!(!message.contains("c2Vj"), "{message}");
    }
    for (certificate, said) in [
        (String::new(), "it holds no certificate in PEM form"),
        (pem("CERTIFICATE", "AAAA"), "its first certificate is not one that can be used"),
        (pem("CERTIFICATE", "?"), "it is not well-formed PEM"),
    ] {
        directory.certify("main", &["example.com"]);
        directory.write("main.pem", &certificate);
        let message = message(&directory, "main");
        assert!(message.starts_with(&format!("[tls.main] cannot use DIR/main.pem: {said}")), "{message}");
    }
}

#[test]
fn an_operator_is_warned() {
    let directory = Directory::new();
    directory.certify_until("main", &["example.com"], 2021);
    let key = directory.path().join("main.key");
    fs::set_permissions(&key, fs::Permissions::from_mode(0o600)).unwrap();
    let (certificate, files) = (load(&directory, "main").unwrap(), directory.files("main"));
    let said = |now| certificate.warnings(&files, now).join("\n");
    assert_eq!(said(BEGIN + 1), "");
    assert!(said(END - 86_400 * 3).contains("expires in 3 days"));
    assert!(said(END + 1).contains("has expired"));
    assert!(said(BEGIN - 1).contains("not valid yet"));
    fs::set_permissions(&key, fs::Permissions::from_mode(0o640)).unwrap();
    assert!(said(BEGIN + 1).contains("others than its owner may read the private key"));
}

#[test]
fn a_stapled_statement_is_taken_along_or_refused() {
    let directory = Directory::new();
    directory.certify("main", &["example.com"]);
    let mut settings = directory.settings(&["main"], &[]);
    settings.certificates[0].ocsp = Some(directory.path().join("main.ocsp"));
    let load = || {
        let files = Files::read(&settings)?;
        Certificate::new(&settings.certificates[0], &files.certificates[0], &default_provider())
    };
    assert!(matches!(load(), Err(TlsError::Unreadable { .. })), "a file that is named must be there");
    directory.write("main.ocsp", [0x30, 1, 7]);
    assert_eq!(load().unwrap().certified.ocsp.as_deref(), Some(&[0x30, 1, 7][..]));
    directory.write("main.ocsp", "not DER");
    assert!(load().unwrap_err().to_string().ends_with("main.ocsp: it is not an OCSP response in DER form"));
}

#[test]
fn ocsp_responses_are_one_sequence() {
    let long = [&[0x30, 0x82, 1, 0][..], &[0; 256]].concat();
    for (der, is) in [(&[0x30, 1, 7][..], true), (&[0x30, 0x81, 1, 7], true), (&long, true), (&[0x30, 2, 7], false)] {
        assert_eq!(is_sequence(der), is, "{der:?}");
    }
    for der in [&b""[..], b"\x30", b"-----BEGIN", &long[..100]] {
        assert!(!is_sequence(der), "{der:?}");
    }
}
