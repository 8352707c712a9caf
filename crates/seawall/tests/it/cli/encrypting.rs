//! TLS from the command line: what the banner says, and what is said of certificates that cannot be used.

use std::{fs, os::unix::fs::PermissionsExt};

use seawall_testkit::tls::Authority;

use super::binary::{FREE_PORTS, Place};
use crate::applications::tools::{program, skip};

pub(crate) const TLS: &str = "[tls.main]\ncertificate = \"main.pem\"\nkey = \"keys/main.key\"\n";

/// With a certificate and a key; the key readable by its owner only.
pub(crate) fn place(config: &str) -> Place {
    let issued = Authority::new().issue(&["example.com"]);
    let place = Place::with_config(config).with_file("main.pem", &issued.certificate);
    fs::create_dir_all(place.path().join("keys")).unwrap();
    let place = place.with_file("keys/main.key", &issued.key);
    fs::set_permissions(place.path().join("keys/main.key"), fs::Permissions::from_mode(0o600)).unwrap();
    place
}

/// What both starting and checking say, which is the same.
fn refused(place: &Place) -> String {
    let checked = place.seawall(&["check"]).refused(64);
    let run = [&["run", "--to", "http://127.0.0.1:9"], &FREE_PORTS[..]].concat();
    assert_eq!(place.seawall(&run).refused(64), checked);
    place.redacted(&checked)
}

#[test]
fn what_cannot_be_used_is_said_before_anything_starts() {
    let missing = place(TLS);
    fs::remove_file(missing.path().join("main.pem")).unwrap();
    let said = refused(&missing);
    assert!(said.starts_with("error: client connections cannot be encrypted: [tls.main] cannot read "), "{said}");
    assert!(
        said.contains("main.pem: No such file or directory") && said.contains("help: paths are relative"),
        "{said}"
    );

    let mismatched = place(TLS).with_file("main.pem", &Authority::new().issue(&["example.com"]).certificate);
    let said = refused(&mismatched);
    assert!(said.contains("main.key does not belong to the certificate in "), "{said}");
    assert!(said.contains("help: name the key that the certificate was made for"), "{said}");

    let said = refused(&Place::with_config("[tls]\nredirect_listen = \"127.0.0.1:0\"\n"));
    assert!(said.contains("redirect_listen: it needs a certificate, and none is named"), "{said}");

    let said = refused(&Place::with_config("[server]\nproxy_protocol = true\n"));
    assert!(said.contains("names no proxy, so nobody could connect") && said.contains("help: name the load"), "{said}");
}

#[test]
fn settings_that_do_not_fit_together_are_mistakes_of_the_file() {
    for (config, says) in [
        ("[tls.main]\ncertificate = \"main.pem\"\n", "the certificate does not say its `key`"),
        (&format!("{TLS}[tls]\nclient_certificates = \"required\"\n"), "clients' certificates cannot be verified"),
        (&format!("{TLS}[tls]\nclient_ca_file = \"a.pem\"\n"), "clients are not asked for certificates"),
        (&format!("{TLS}[tls]\nmin_version = \"1.1\"\n"), "\"1.1\" is not one of \"1.2\", \"1.3\""),
    ] {
        let said = place(config).seawall(&["check"]).refused(64);
        let words = said.split_whitespace().filter(|word| *word != "│").collect::<Vec<_>>().join(" ");
        assert!(words.contains(says), "{config} says\n{said}");
    }
}

#[test]
fn a_check_notes_what_an_operator_should_know() {
    let place = place(TLS);
    assert!(!place.seawall(&["check"]).ok().contains("note: [tls.main]"));
    fs::set_permissions(place.path().join("keys/main.key"), fs::Permissions::from_mode(0o644)).unwrap();
    let said = place.seawall(&["check"]).ok();
    assert!(said.contains("note: [tls.main] others than its owner may read the private key"), "{said}");
}

#[test]
fn a_private_key_that_git_shares_is_refused() {
    if program(&["git"]).is_none() {
        return skip("git is not installed");
    }
    let place = place(TLS);
    place.git(&["init", "--quiet"]);
    place.git(&["add", "keys/main.key"]);
    let said = place.seawall(&["check"]).refused(64);
    assert!(said.contains("keys/main.key is a private key, and git shares it"), "{said}");
}

#[test]
fn the_banner_shows_https_and_the_redirects() {
    let place = place(&format!("{TLS}[tls]\nredirect_listen = \"127.0.0.1:0\"\n"));
    let mut server = place.serve(&["run", "--to", "http://127.0.0.1:9"]);
    let whole = server.child.said("the whole banner", |said| said.contains("curl -i").then(|| said.to_owned()));
    let said = place.redacted(&whole);
    assert!(said.contains("  public   https://127.0.0.1:PORT\n"), "{said}");
    assert!(said.contains("  redirect http://127.0.0.1:PORT to https\n"), "{said}");
    assert!(said.contains("curl -i https://127.0.0.1:PORT/"), "{said}");
    assert_eq!(server.terminate(), Some(0));
}
