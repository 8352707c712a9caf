//! RFC 9421: its own examples, and what a signature has to say and to cover.

use aws_lc_rs::digest;
use proptest::prelude::*;

use super::*;

#[test]
fn wk_15_the_examples_of_rfc_9421_verify_and_each_byte_counts() {
    let rsa = &[("algorithm", "rsa-pss-sha512"), ("key_id", "test-key-rsa-pss"), ("public_key", RSA_PSS)][..];
    let ed25519 = &[("algorithm", "ed25519"), ("key_id", "test-key-ed25519"), ("public_key", ED25519)][..];
    let hmac = &[("algorithm", "hmac-sha256"), ("key_id", "test-shared-secret"), ("secret", SHARED)][..];
    for (section, key, input, signature) in [
        (
            "B.2.1",
            rsa,
            "();created=1618884473;keyid=\"test-key-rsa-pss\";nonce=\"b3k2pp5k7z-50gnwp.yemd\"",
            "d2pmTvmbncD3xQm8E9ZV2828BjQWGgiwAaw5bAkgibUopemLJcWDy/lkbbHAve4cRAtx31Iq786U7it++wgGxbtRxf8Udx7zFZsckzXaJMkA7ChG52eSkFxykJeNqsrWH5S+oxNFlD4dzVuwe8DhTSja8xxbR/Z2cOGdCbzR72rgFWhzx2VjBqJzsPLMIQKhO4DGezXehhWwE56YCE+O6c0mKZsfxVrogUvA4HELjVKWmAvtl6UnCh8jYzuVG5WSb/QEVPnP5TmcAnLH1g+s++v6d4s8m0gCw1fV5/SITLq9mhho8K3+7EPYTU8IU1bLhdxO5Nyt8C8ssinQ98Xw9Q==",
        ),
        (
            "B.2.2",
            rsa,
            "(\"@authority\" \"content-digest\" \"@query-param\";name=\"Pet\");created=1618884473;keyid=\"test-key-rsa-pss\";tag=\"header-example\"",
            "LjbtqUbfmvjj5C5kr1Ugj4PmLYvx9wVjZvD9GsTT4F7GrcQEdJzgI9qHxICagShLRiLMlAJjtq6N4CDfKtjvuJyE5qH7KT8UCMkSowOB4+ECxCmT8rtAmj/0PIXxi0A0nxKyB09RNrCQibbUjsLS/2YyFYXEu4TRJQzRw1rLEuEfY17SARYhpTlaqwZVtR8NV7+4UKkjqpcAoFqWFQh62s7Cl+H2fjBSpqfZUJcsIk4N6wiKYd4je2U/lankenQ99PZfB4jY3I5rSV2DSBVkSFsURIjYErOs0tFTQosMTAoxk//0RoKUqiYY8Bh0aaUEb0rQl3/XaVe4bXTugEjHSw==",
        ),
        (
            "B.2.5",
            hmac,
            "(\"date\" \"@authority\" \"content-type\");created=1618884473;keyid=\"test-shared-secret\"",
            "pxcQw6G3AjtMBQjwo8XzkZf/bws5LelbaMk5rGIGtE8=",
        ),
        (
            "B.2.6",
            ed25519,
            "(\"date\" \"@method\" \"@path\" \"@authority\" \"content-type\" \"content-length\");created=1618884473;keyid=\"test-key-ed25519\"",
            "wqcAqbmYJ2ji2glfAMaRy4gruYYnx2nEFN2HN6jrnDnQCK1u02Gb04v9EDgwUPiu4A0w6vuQv5lIp5WPpBKRCw==",
        ),
    ] {
        let make = || guard(&[("components", list(&[]))], "example", key);
        let signed = |input: &str, signature: &str| {
            example().with("signature-input", format!("sig={input}")).with("signature", format!("sig=:{signature}:"))
        };
        assert_eq!(ask(&make(), &signed(input, signature), CREATED + 5), Ok(()), "{section}");
        let wrong = "The signature does not match the request: something that it covers was changed, or it was made with another key.";
        let later = input.replace("1618884473", "1618884474");
        assert_eq!(ask(&make(), &signed(&later, signature), CREATED + 5), Err(wrong.to_owned()), "{section}");
        let mut bytes = STANDARD.decode(signature).unwrap();
        bytes[3] ^= 1;
        let forged = STANDARD.encode(bytes);
        assert_eq!(ask(&make(), &signed(input, &forged), CREATED + 5), Err(wrong.to_owned()), "{section}");
    }
}

#[test]
fn wk_15_what_a_request_must_say_is_said_when_it_does_not() {
    let without_digest = "\"@method\" \"@path\" \"@query\"";
    let mut both = signed();
    both.fields.retain(|(name, _)| name != "content-digest");
    let plain = |input: &str| example().with("signature-input", input).with("signature", "sig=:AA==:");
    for (sent, why) in [
        (example(), "The request has no `Signature-Input`, and so no signature."),
        (plain("sig=("), "The field `signature-input` is malformed: a value is missing, at byte 5."),
        (plain("sig=();keyid=\"other\""), "The request is signed by no key that this route takes (`keyid`)."),
        (plain("sig=()"), "The request is signed by no key that this route takes (`keyid`)."),
        (plain("sig=();keyid=\"partner\";alg=\"ed25519\""), "The key `partner` signs by hmac-sha256."),
        (plain("sig=();keyid=\"partner\""), "The signature does not say when it was made (`created`)."),
        (
            signed_with(example(), "\"@method\" \"@path\" \"content-digest\"", &parameters("")),
            "The signature does not cover \"@query\".",
        ),
        (
            signed_with(example(), without_digest, &parameters("")),
            "There is a body, and the signature does not cover its `Content-Digest`.",
        ),
        (signed_with(example(), COVERED, &parameters(";expires=1618884480")), "The signature has expired (`expires`)."),
        (both, "\"content-digest\" is covered, and not in the request exactly once."),
        (
            signed_with(example(), COVERED, ";created=1618884000;keyid=\"partner\""),
            "The signature is 480 s old, and holds for 5min here.",
        ),
        (
            signed_with(example(), COVERED, ";created=1618884541;keyid=\"partner\""),
            "The signature was made 61 s in the future; set the clock of whoever signs.",
        ),
        (
            Sent { body: b"{\"hello\": \"World\"}".to_vec(), ..signed() },
            "The body is not the one that `Content-Digest` says.",
        ),
    ] {
        assert_eq!(ask(&partner(&[]), &sent, CREATED + 7), Err(why.to_owned()), "{sent:?}");
    }
    let problem = ask_with(&partner(&[]), &example(), CREATED).0.unwrap_err();
    let accepted = problem.headers.iter().find(|(name, _)| name == "accept-signature").map(|(_, value)| value.clone());
    assert_eq!(accepted.unwrap(), "sig=(\"@method\" \"@path\" \"@query\" \"content-digest\");created;keyid");
}

#[test]
fn a_signature_holds_through_the_last_second_of_its_window() {
    for (at, holds) in [(CREATED - 61, false), (CREATED - 60, true), (CREATED + 300, true), (CREATED + 301, false)] {
        assert_eq!(ask(&partner(&[]), &signed(), at).is_ok(), holds, "{at}");
    }
    let short = [("window", text("10s"))];
    assert!(ask(&partner(&short), &signed(), CREATED + 10).is_ok());
    assert!(ask(&partner(&short), &signed(), CREATED + 11).is_err());
}

#[test]
fn a_request_without_a_body_needs_no_digest_and_one_with_a_body_does_whatever_its_length() {
    let covered = "\"@method\" \"@path\" \"@query\"";
    let bare = Sent { method: "GET", target: "/foo".to_owned(), fields: Vec::new(), body: Vec::new() };
    let bare = signed_with(bare.with("host", "a"), covered, &parameters(""));
    assert_eq!(ask(&partner(&[]), &bare, CREATED), Ok(()));
    let guard = partner(&[]);
    let (mut head, mut context) = (head_of(&bare), sample_context());
    context.now.unix_us = CREATED * 1_000_000;
    assert!(matches!(guard.head(&mut head, &mut context), Verdict::Pass));
    let announced = guard.inspect(&mut head, &Expected { length: Some(1), tree: false }, &mut context);
    assert_eq!(announced.unwrap_err().kind.slug, "signature-refused", "before it is read");
    let mut again = partner(&[]).inspect(&mut head, &Expected { length: Some(1), tree: false }, &mut context);
    assert!(matches!(again.as_mut(), Ok(None)), "what was refused is not looked at");
}

#[test]
fn several_keys_can_sign_and_several_secrets_can_be_one_key() {
    let secret = format!("another-secret-than-that\n{}\n", SECRET.replace(' ', "_"));
    let hmac = [("algorithm", "hmac-sha256"), ("secret", secret.as_str())];
    let ed25519 = [("algorithm", "ed25519"), ("key_id", "pair"), ("public_key", ED25519)];
    let guard = try_guard(&["pair", "partner"], &[], &[("pair", &ed25519), ("partner", &hmac)], &Shared::in_memory());
    assert_eq!(ask(&guard.unwrap().unwrap(), &signed(), CREATED), Ok(()));
}

#[test]
fn ecdsa_and_rsa_of_pkcs1_verify_what_such_keys_sign() {
    use aws_lc_rs::{
        encoding::AsDer,
        rand::SystemRandom,
        rsa::KeySize,
        signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair, RSA_PKCS1_SHA256, RsaKeyPair},
    };
    let random = SystemRandom::new();
    let curve = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap();
    let rsa = RsaKeyPair::generate(KeySize::Rsa2048).unwrap();
    let pem = |der: &[u8]| format!("-----BEGIN PUBLIC KEY-----\n{}\n-----END PUBLIC KEY-----", STANDARD.encode(der));
    let curve_public = pem(curve.public_key().as_der().unwrap().as_ref());
    let rsa_public = pem(rsa.public_key().as_der().unwrap().as_ref());
    let base = format!("\"@method\": POST\n\"@signature-params\": (\"@method\"){}", parameters(""));
    let by_curve = curve.sign(&random, base.as_bytes()).unwrap();
    let mut by_rsa = vec![0; rsa.public_modulus_len()];
    rsa.sign(&RSA_PKCS1_SHA256, &random, base.as_bytes(), &mut by_rsa).unwrap();
    for (algorithm, public, signature) in
        [("ecdsa-p256-sha256", curve_public, by_curve.as_ref()), ("rsa-v1_5-sha256", rsa_public, &by_rsa)]
    {
        let make = || {
            guard(
                &[("components", list(&["@method"]))],
                "partner",
                &[("algorithm", algorithm), ("public_key", &public)],
            )
        };
        let sent = |method| {
            Sent { method, ..webhook("") }
                .with("signature-input", format!("s=(\"@method\"){}", parameters("")))
                .with("signature", format!("s=:{}:", STANDARD.encode(signature)))
        };
        assert_eq!(ask(&make(), &sent("POST"), CREATED), Ok(()), "{algorithm}");
        assert!(ask(&make(), &sent("PUT"), CREATED).is_err(), "{algorithm}");
    }
}

#[test]
fn digests_of_bodies_are_those_of_both_algorithms() {
    let sha256 = STANDARD.encode(digest::digest(&digest::SHA256, BODY.as_bytes()));
    let with = |value: String| {
        let mut sent = example();
        sent.fields.retain(|(name, _)| name != "content-digest");
        signed_with(sent.with("content-digest", value), COVERED, &parameters(""))
    };
    assert_eq!(ask(&partner(&[]), &with(format!("sha-256=:{sha256}:")), CREATED), Ok(()));
    let other = format!("sha-256=:{sha256}:, sha-512=:{sha256}:");
    assert_eq!(
        ask(&partner(&[]), &with(other), CREATED),
        Err("The body is not the one that `Content-Digest` says.".to_owned()),
        "all that are named hold"
    );
    assert_eq!(
        ask(&partner(&[]), &with("md5=:AAAA:".to_owned()), CREATED),
        Err("`Content-Digest` has neither `sha-256` nor `sha-512`.".to_owned())
    );
}

proptest! {
    #[test]
    fn any_change_of_what_is_covered_is_refused(part in 0_usize..7, place in any::<prop::sample::Index>(), flip in 1_u8..=255) {
        let mut sent = signed();
        let flipped = |text: &str| {
            let mut bytes = text.as_bytes().to_vec();
            let place = place.index(bytes.len());
            bytes[place] = b' ' + (bytes[place] ^ flip) % 95;
            String::from_utf8(bytes).unwrap()
        };
        let field = |sent: &mut Sent, name: &str| {
            let (_, value) = sent.fields.iter_mut().find(|(own, _)| own == name).unwrap();
            *value = flipped(value);
        };
        match part {
            0 => sent.method = "PUT",
            1 => sent.target = format!("/{}", flipped("foo?param=Value&Pet=dog")),
            2 => sent.body[place.index(BODY.len())] ^= flip,
            3 => field(&mut sent, "date"),
            4 => field(&mut sent, "content-digest"),
            5 => field(&mut sent, "signature-input"),
            _ => field(&mut sent, "signature"),
        }
        let same = {
            let original = signed();
            let trimmed = |sent: &Sent| sent.fields.iter().map(|(_, value)| value.trim().to_owned()).collect::<Vec<_>>();
            original.target == sent.target && original.method == sent.method && original.body == sent.body && trimmed(&original) == trimmed(&sent)
        };
        prop_assume!(!same && sent.target.parse::<http::Uri>().is_ok());
        prop_assert!(ask(&partner(&[]), &sent, CREATED).is_err(), "{:?}", sent);
    }
}
