//! What is told of a configuration.

use super::*;

#[test]
fn mistakes_in_the_configuration_are_told() {
    let secret = SECRET.replace(' ', "_");
    let hmac = &[("algorithm", "hmac-sha256"), ("secret", secret.as_str())][..];
    let stripe = &[("preset", "stripe"), ("secret", secret.as_str())][..];
    let other = &[("algorithm", "hmac-sha256"), ("key_id", "a"), ("secret", secret.as_str())][..];
    for (require, keys, why) in [
        (&["b"][..], &[("a", hmac)][..], "require: there is no key \"b\"; write `[signatures.NAME]`"),
        (
            &["a", "s"],
            &[("a", hmac), ("s", stripe)],
            "require: `s` is the key of a preset, which stands alone; give it a route of its own",
        ),
        (&["a", "b"], &[("a", hmac), ("b", other)], "require: `b` has the `key_id` of another of these keys"),
    ] {
        assert_eq!(try_guard(require, &[], keys, &Shared::in_memory()).map(|_| ()), Err(why.to_owned()));
    }
    assert!(try_guard(&[], &[], &[("a", hmac)], &Shared::in_memory()).unwrap().is_none(), "nothing asks for it");
    for (fields, key, why) in [
        (&[][..], "algorithm", "there is neither an algorithm nor a preset"),
        (&[("algorithm", "hmac-sha256")], "secret", "there is no secret"),
        (&[("algorithm", "hmac-sha256"), ("secret", "short")], "secret", "secret 1 has 5 bytes, and needs 16"),
        (&[("algorithm", "hmac-sha256"), ("secret", "base64:???")], "secret", "secret 1 is no base64"),
        (&[("algorithm", "hmac-sha256"), ("public_key", ED25519)], "public_key", "hmac-sha256 has no public key"),
        (&[("algorithm", "ed25519")], "public_key", "ed25519 needs a public key"),
        (&[("algorithm", "ed25519"), ("public_key", RSA_PSS)], "public_key", "this is no public key for ed25519"),
        (
            &[("algorithm", "rsa-v1_5-sha256"), ("public_key", ED25519)],
            "public_key",
            "this is no public key for rsa-v1_5-sha256",
        ),
        (
            &[("algorithm", "ed25519"), ("public_key", "-----BEGIN PRIVATE KEY-----\nAA==\n-----END PRIVATE KEY-----")],
            "public_key",
            "this is a private key, which stays with whoever signs",
        ),
        (&[("preset", "github"), ("algorithm", "ed25519")], "algorithm", "the preset says this already"),
        (&[("preset", "standard-webhooks"), ("secret", "whsec_????")], "secret", "secret 1 is no base64"),
    ] {
        let situation =
            seawall_core::settings::Situation { environment: seawall_core::Environment::Production, written: true };
        let complaints = (SECTION.entry_demands)("partner", &entry(fields), &situation);
        let told: Vec<_> = complaints.iter().map(|complaint| (complaint.key, complaint.what.as_str())).collect();
        assert_eq!(told, [(Some(key), why)], "{fields:?}");
    }
}
