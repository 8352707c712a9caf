//! The rules of the standard, each broken alone.

#[path = "../../tests/people/authenticator.rs"]
mod authenticator;

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use proptest::prelude::*;
use serde_json::{Value, json};

use self::authenticator::{BACKED_UP, BACKUP_ELIGIBLE, Device, Pair, USER_PRESENT, USER_VERIFIED, attestation};
use super::{
    Assertion, BadCbor, Expected, Made, PageOrigin, Refusal, RelyingParty, SentPasskey, Shown, UserVerification,
    Verified, authenticator_data::AuthenticatorData, ceremony::Known, made, shown,
};

const ORIGIN: &str = "https://app.example";

fn party() -> RelyingParty {
    RelyingParty {
        id: "app.example".to_owned(),
        name: "App".to_owned(),
        origins: vec![PageOrigin::of(ORIGIN).unwrap()],
        user_verification: UserVerification::Required,
    }
}

fn options() -> Value {
    let text = |byte: u8| URL_SAFE_NO_PAD.encode([byte; 32]);
    json!({ "challenge": text(1), "user": { "id": text(2) } })
}

fn sent(value: &Value) -> SentPasskey {
    serde_json::from_value(value.clone()).unwrap()
}

fn register_as(device: &mut Device, verified: Verified) -> Result<Made, Refusal> {
    let (party, options) = (party(), options());
    let sent = sent(&device.make(&options));
    let expected = Expected { party: &party, challenge: options["challenge"].as_str().unwrap(), verified };
    made(expected, &sent.response.client_data, &sent.response.attestation_object)
}

fn register(device: &mut Device) -> Result<Made, Refusal> {
    register_as(device, Verified::Required)
}

fn show_as(device: &mut Device, made: &Made, verified: Verified) -> Result<Shown, Refusal> {
    let (party, options) = (party(), options());
    let sent = sent(&device.show(&options));
    let expected = Expected { party: &party, challenge: options["challenge"].as_str().unwrap(), verified };
    let known = Known { key: &made.key, counter: made.counter, backup_eligible: made.backup_eligible };
    let response = &sent.response;
    let assertion = Assertion {
        client_data: &response.client_data,
        authenticator_data: &response.authenticator_data,
        signature: &response.signature,
    };
    shown(expected, known, assertion)
}

fn show(device: &mut Device, made: &Made) -> Result<Shown, Refusal> {
    show_as(device, made, Verified::Required)
}

/// A device that was registered.
fn registered() -> (Device, Made) {
    let mut device = Device::new(ORIGIN, b"one");
    let made = register(&mut device).unwrap();
    (device, made)
}

#[test]
fn each_algorithm_that_is_offered_makes_and_shows_passkeys() {
    for pair in [Pair::p256(), Pair::ed25519(), Pair::rsa()] {
        let mut device = Device { pair, ..Device::new(ORIGIN, b"one") };
        let made = register(&mut device).unwrap();
        assert_eq!((&*made.id, &*made.aaguid, made.counter, made.verified), (&b"one"[..], &[7; 16][..], 0, true));
        let shown = show(&mut device, &made).unwrap();
        assert_eq!((shown.counter, shown.verified, shown.backed_up), (0, true, false));
        let mut other = Device { pair: Pair::p256(), ..Device::new(ORIGIN, b"one") };
        assert_eq!(show(&mut other, &made), Err(Refusal::Signature));
    }
}

#[test]
fn what_another_program_made_is_taken() {
    let recorded: Value = serde_json::from_str(include_str!("../../tests/fixtures/passkeys.json")).unwrap();
    for one in recorded["passkeys"].as_array().unwrap() {
        let party = party();
        let (create, get) = (sent(&one["created"]), sent(&one["shown"]));
        let challenge = one["challenge"].as_str().unwrap();
        let expected = Expected { party: &party, challenge, verified: Verified::Required };
        let made = made(expected, &create.response.client_data, &create.response.attestation_object).unwrap();
        assert_eq!(made.id, create.id);
        let known = Known { key: &made.key, counter: made.counter, backup_eligible: made.backup_eligible };
        let assertion = Assertion {
            client_data: &get.response.client_data,
            authenticator_data: &get.response.authenticator_data,
            signature: &get.response.signature,
        };
        assert!(shown(expected, known, assertion).unwrap().verified);
    }
}

#[test]
fn what_the_browser_says_has_to_be_of_this_ceremony_and_this_page() {
    type Case = (fn(&mut Value), fn(&Refusal) -> bool);
    let cases: [Case; 12] = [
        (|said| said["type"] = "webauthn.other".into(), |why| matches!(why, Refusal::ClientData(_))),
        (|said| said["type"] = Value::Null, |why| matches!(why, Refusal::ClientData(_))),
        (|said| said["challenge"] = URL_SAFE_NO_PAD.encode([9; 32]).into(), |why| *why == Refusal::Challenge),
        (|said| said["challenge"] = "".into(), |why| *why == Refusal::Challenge),
        (|said| said["challenge"] = "?".into(), |why| *why == Refusal::Challenge),
        (|said| said["origin"] = "https://app.example.evil".into(), |why| matches!(why, Refusal::Origin(_))),
        (|said| said["origin"] = "https://sub.app.example".into(), |why| matches!(why, Refusal::Origin(_))),
        (|said| said["origin"] = "http://app.example".into(), |why| matches!(why, Refusal::Origin(_))),
        (|said| said["origin"] = "https://app.example:8443".into(), |why| matches!(why, Refusal::Origin(_))),
        (|said| said["crossOrigin"] = true.into(), |why| *why == Refusal::CrossOrigin),
        (|said| said["topOrigin"] = "https://app.example".into(), |why| *why == Refusal::CrossOrigin),
        (|said| said["more"] = "a".repeat(5_000).into(), |why| matches!(why, Refusal::ClientData(_))),
    ];
    for (at, (says, fits)) in cases.into_iter().enumerate() {
        let (mut device, made) = registered();
        device.says = says;
        let (first, second) = (register(&mut device).unwrap_err(), show(&mut device, &made).unwrap_err());
        assert!(fits(&first) && fits(&second), "{at}: {first} {second}");
    }
    // Each ceremony refuses what belongs to the other.
    let (mut device, made) = registered();
    device.says = |said| said["type"] = "webauthn.create".into();
    assert!(matches!(show(&mut device, &made), Err(Refusal::ClientData(_))));
    device.says = |said| said["type"] = "webauthn.get".into();
    assert!(matches!(register(&mut device), Err(Refusal::ClientData(_))));
}

#[test]
fn client_data_that_was_changed_after_it_was_signed_is_refused() {
    let (mut device, made) = registered();
    let (party, options) = (party(), options());
    let sent = sent(&device.show(&options));
    let text = String::from_utf8(sent.response.client_data.clone()).unwrap();
    let changed = text.replace("\"crossOrigin\":false", "\"crossOrigin\":null");
    assert_ne!(text, changed);
    let expected =
        Expected { party: &party, challenge: options["challenge"].as_str().unwrap(), verified: Verified::Required };
    let known = Known { key: &made.key, counter: 0, backup_eligible: false };
    let assertion = |client_data, signature| Assertion {
        client_data,
        authenticator_data: &sent.response.authenticator_data,
        signature,
    };
    let signature = &sent.response.signature[..];
    assert_eq!(shown(expected, known, assertion(changed.as_bytes(), signature)), Err(Refusal::Signature));
    assert_eq!(shown(expected, known, assertion(text.as_bytes(), &[])), Err(Refusal::Signature));
    let twice = text.replacen('{', "{\"origin\":\"https://evil.example\",", 1);
    let refused = shown(expected, known, assertion(twice.as_bytes(), signature));
    assert!(matches!(refused, Err(Refusal::ClientData(_))), "{refused:?}");
    shown(expected, known, assertion(text.as_bytes(), signature)).unwrap();
}

#[test]
fn one_for_another_domain_is_refused() {
    let (mut device, made) = registered();
    device.rp_id = "other.example".to_owned();
    assert_eq!(register(&mut device), Err(Refusal::RelyingParty));
    assert_eq!(show(&mut device, &made), Err(Refusal::RelyingParty));
}

#[test]
fn somebody_has_to_touch_it_always_and_to_be_verified_where_that_is_required() {
    let (mut device, made) = registered();
    device.flags = USER_VERIFIED;
    for verified in [Verified::Required, Verified::AsItIs] {
        assert_eq!(register_as(&mut device, verified), Err(Refusal::NotPresent));
        assert_eq!(show_as(&mut device, &made, verified), Err(Refusal::NotPresent));
    }
    device.flags = USER_PRESENT;
    assert_eq!(register(&mut device), Err(Refusal::NotVerified));
    assert_eq!(show(&mut device, &made), Err(Refusal::NotVerified));
    assert!(!register_as(&mut device, Verified::AsItIs).unwrap().verified);
    assert!(!show_as(&mut device, &made, Verified::AsItIs).unwrap().verified);
}

#[test]
fn backup_flags_fit_each_other_and_stay() {
    let (mut device, made) = registered();
    device.flags |= BACKED_UP;
    assert_eq!(register(&mut device), Err(Refusal::BackupFlags));
    assert_eq!(show(&mut device, &made), Err(Refusal::BackupFlags));
    device.flags |= BACKUP_ELIGIBLE;
    let synced = register(&mut device).unwrap();
    assert!(synced.backup_eligible && synced.backed_up && show(&mut device, &synced).unwrap().backed_up);
    assert_eq!(show(&mut device, &made), Err(Refusal::BackupFlags), "it could not leave its device before");
    device.flags &= !(BACKUP_ELIGIBLE | BACKED_UP);
    assert_eq!(show(&mut device, &synced), Err(Refusal::BackupFlags));
}

#[test]
fn a_counter_goes_up_or_does_not_count() {
    let (mut device, made) = registered();
    for (known, next, passes) in
        [(0, 0, true), (0, 1, true), (5, 6, true), (5, 5, false), (5, 4, false), (5, 0, false), (u32::MAX, 0, false)]
    {
        device.counter = next;
        let outcome = show(&mut device, &Made { counter: known, ..made.clone() });
        let expected = if passes { Ok(next) } else { Err(Refusal::Counter { known, shown: next }) };
        assert_eq!(outcome.map(|shown| shown.counter), expected);
    }
}

#[test]
fn keys_of_other_algorithms_and_sizes_are_refused() {
    let refused = |key: &[u8]| super::cose::Key::read(key).unwrap_err();
    let good = Pair::p256().cose();
    let changed = |at: usize, byte: u8| {
        let mut key = good.clone();
        key[at] = byte;
        key
    };
    assert_eq!(refused(&changed(4, 0x27)), Refusal::Algorithm(-8), "EdDSA with a key of P-256");
    assert_eq!(refused(&[0xa1, 3, 0x38, 7]), Refusal::Cbor(BadCbor::NotShortest));
    assert_eq!(refused(&changed(6, 2)), Refusal::Algorithm(-7), "another curve");
    assert_eq!(refused(&changed(2, 1)), Refusal::Algorithm(-7), "another kind");
    assert_eq!(refused(&[0xa2, 1, 2, 3, 0x38, 34]), Refusal::Algorithm(-35), "ES384 is not offered");
    assert_eq!(refused(&[0xa2, 1, 4, 3, 5]), Refusal::Algorithm(5), "HMAC is no public key");
    assert!(matches!(refused(&[0xa0]), Refusal::Key(_)));
    let rsa = |bytes: usize| {
        // In its shortest form, or that is what is refused.
        let length = u16::try_from(bytes).unwrap();
        let head = u8::try_from(length)
            .map_or_else(|_| [&[0x59][..], &length.to_be_bytes()].concat(), |length| vec![0x58, length]);
        [&[0xa4, 1, 3, 3, 0x39, 1, 0, 0x20][..], &head, &vec![0xff; bytes], &[0x21, 0x43, 1, 0, 1]].concat()
    };
    assert!(super::cose::Key::read(&rsa(256)).is_ok() && super::cose::Key::read(&rsa(512)).is_ok());
    for bytes in [255, 513, 1_024] {
        assert!(matches!(refused(&rsa(bytes)), Refusal::Key(_)), "{bytes}");
    }
}

#[test]
fn bytes_that_are_too_short_too_long_or_stand_behind_are_refused() {
    let (mut device, made) = registered();
    device.data = |data| data.push(0);
    assert!(matches!(register(&mut device), Err(Refusal::AuthenticatorData(_))));
    assert!(matches!(show(&mut device, &made), Err(Refusal::AuthenticatorData(_))));
    device.data = |data| data.truncate(36);
    assert!(matches!(register(&mut device), Err(Refusal::AuthenticatorData(_))));
    assert!(matches!(show(&mut device, &made), Err(Refusal::AuthenticatorData(_))));
    device.data = |data| data[32] &= !(1 << 6);
    assert!(matches!(register(&mut device), Err(Refusal::AuthenticatorData(_))), "bytes of no credential");
    device.data = |data| data[32] |= 1 << 7;
    assert_eq!(show(&mut device, &made), Err(Refusal::Cbor(BadCbor::Short)), "extensions that are not there");
    device.data = |data| {
        data[32] |= 1 << 7;
        data.extend([0xa1, 0x63, b'a', b'b', b'c', 0xf5]);
    };
    assert!(register(&mut device).is_ok() && show(&mut device, &made).is_ok(), "extensions are passed by");
    let mut long = Device::new(ORIGIN, &[1; 1_024]);
    assert_eq!(register(&mut long), Err(Refusal::CredentialId));
    long.id = Vec::new();
    assert_eq!(register(&mut long), Err(Refusal::CredentialId));
    long.id = vec![1; 1_023];
    assert_eq!(register(&mut long).unwrap().id.len(), 1_023);
}

#[test]
fn an_attestation_object_is_one_map_with_its_three_parts() {
    let (party, options) = (party(), options());
    let made_of = |object: &[u8]| {
        let sent = sent(&Device::new(ORIGIN, b"one").make(&options));
        let expected =
            Expected { party: &party, challenge: options["challenge"].as_str().unwrap(), verified: Verified::Required };
        made(expected, &sent.response.client_data, object)
    };
    let good = sent(&Device::new(ORIGIN, b"one").make(&options)).response.attestation_object;
    assert!(made_of(&good).is_ok());
    assert_eq!(made_of(&[&good[..], &[0]].concat()), Err(Refusal::Cbor(BadCbor::Trailing)));
    assert_eq!(made_of(&good[..good.len() - 1]), Err(Refusal::Cbor(BadCbor::Short)));
    assert_eq!(made_of(&[0xa0]), Err(Refusal::Attestation));
    assert_eq!(made_of(&[0x80]), Err(Refusal::Attestation));
    assert_eq!(made_of(&[vec![0x81; 100], vec![0]].concat()), Err(Refusal::Cbor(BadCbor::Deep)));
    assert!(matches!(made_of(&attestation(&[])), Err(Refusal::AuthenticatorData(_))));
}

proptest! {
    #[test]
    fn arbitrary_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..2_048)) {
        let _read = AuthenticatorData::read(&bytes);
        let _key = super::cose::Key::read(&bytes);
        let _parsed = serde_json::from_slice::<SentPasskey>(&bytes);
    }

    #[test]
    fn one_byte_that_is_changed_never_panics_and_never_signs_in(at in 0_usize..37, bit in 0_u8..8) {
        let (mut device, made) = registered();
        let (party, options) = (party(), options());
        let sent = sent(&device.show(&options));
        let mut data = sent.response.authenticator_data.clone();
        data[at] ^= 1 << bit;
        let challenge = options["challenge"].as_str().unwrap();
        let expected = Expected { party: &party, challenge, verified: Verified::Required };
        let known = Known { key: &made.key, counter: 0, backup_eligible: false };
        let response = &sent.response;
        let assertion = Assertion {
            client_data: &response.client_data, authenticator_data: &data, signature: &response.signature,
        };
        prop_assert!(shown(expected, known, assertion).is_err());
    }
}
