//! Taking over changed files, and keeping what is in force when they cannot be used.

use std::fs;

use seawall_core::{clock::Now, meter::NoMeter};

use super::{super::testing::Directory, *};

#[derive(Debug)]
struct Still;

impl Clock for Still {
    fn now(&self) -> Now {
        Now { monotonic_us: 0, unix_us: 1_700_000_000_000_000 }
    }
}

fn terminator(settings: TlsSettings) -> Terminator {
    Terminator::new(settings, Arc::new(Still), Arc::new(NoMeter)).unwrap()
}

#[test]
fn changed_files_are_taken_over_whole_or_not_at_all() {
    let directory = Directory::new();
    directory.certify("main", &["example.com"]);
    let terminator = terminator(directory.settings(&["main"], &[]));
    let view = View::new(terminator.clone());
    let first = Arc::clone(view.acceptor().config());
    terminator.look();
    assert!(Arc::ptr_eq(&first, view.acceptor().config()), "nothing has changed");

    directory.certify("next", &["example.com"]);
    let (next, main) = (|suffix: &str| directory.path().join(format!("next.{suffix}")), directory.files("main"));
    fs::copy(next("pem"), &main.certificate).unwrap();
    terminator.look();
    terminator.look();
    assert!(Arc::ptr_eq(&first, view.acceptor().config()), "a certificate without its key is not taken over");
    fs::remove_file(&main.key).unwrap();
    terminator.look();
    assert!(Arc::ptr_eq(&first, view.acceptor().config()), "nor is one whose key is missing");

    fs::copy(next("key"), &main.key).unwrap();
    terminator.look();
    let second = Arc::clone(view.acceptor().config());
    assert!(!Arc::ptr_eq(&first, &second), "both together are");
    assert!(Arc::ptr_eq(&first.ticketer, &second.ticketer), "sessions are resumed as before");
}

#[test]
fn other_authorities_end_the_sessions_that_the_old_ones_admitted() {
    let directory = Directory::new();
    for entry in ["main", "authority", "other"] {
        directory.certify(entry, &["example.com"]);
    }
    let more = [("client_certificates", "required"), ("client_ca_file", "authority.pem")];
    let terminator = terminator(directory.settings(&["main"], &more));
    let view = View::new(terminator.clone());
    let first = Arc::clone(view.acceptor().config());
    fs::copy(directory.path().join("other.pem"), directory.path().join("authority.pem")).unwrap();
    terminator.look();
    assert!(!Arc::ptr_eq(&first.ticketer, &view.acceptor().config().ticketer));
}

#[test]
fn only_the_first_certificate_may_name_no_host() {
    let directory = Directory::new();
    directory.certify("main", &["example.com"]);
    directory.certify("address", &["192.0.2.1"]);
    assert!(verify(&directory.settings(&["address", "main"], &[]), 1_700_000_000).is_ok());
    let refused = verify(&directory.settings(&["main", "address"], &[]), 1_700_000_000);
    assert!(matches!(refused, Err(TlsError::Nameless { .. })), "{refused:?}");
}

#[test]
fn authorities_that_are_none_are_named() {
    let directory = Directory::new();
    directory.certify("main", &["example.com"]);
    let more = [("client_certificates", "optional"), ("client_ca_file", "main.key")];
    let refused = verify(&directory.settings(&["main"], &more), 1_700_000_000).unwrap_err().to_string();
    assert!(refused.ends_with("main.key cannot be used: it holds no certificate in PEM form"), "{refused}");
}

#[test]
fn what_is_offered_follows_the_settings() {
    let directory = Directory::new();
    directory.certify("main", &["example.com"]);
    let offered = |more: &[(&str, &str)]| {
        let mut settings = directory.settings(&["main"], more);
        settings.http2 = more.is_empty();
        let terminator = terminator(settings);
        let config = Arc::clone(View::new(terminator).acceptor().config());
        (config.alpn_protocols.len(), config.max_early_data_size)
    };
    assert_eq!(offered(&[]), (2, 0));
    assert_eq!(offered(&[("min_version", "1.3")]), (1, 0));
}
