//! Senders of webhooks, with the examples of their documentation.

use super::*;

/// Signed by a sender of webhooks.
fn tagged(secret: &[u8], content: &str) -> hmac::Tag {
    hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, secret), content.as_bytes())
}

fn hex(tag: &hmac::Tag) -> String {
    tag.as_ref().iter().map(|byte| format!("{byte:02x}")).collect()
}

#[test]
fn wk_15_standard_webhooks_are_verified_with_the_example_of_their_specification() {
    let secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
    let make = || guard(&[], "hooks", &[("preset", "standard-webhooks"), ("secret", secret)]);
    let at = 1_614_265_330;
    let sent = |signature: &str| {
        webhook("{\"test\": 2432232314}")
            .with("webhook-id", "msg_p5jXN8AQM9LWM0D4loKWxJek")
            .with("webhook-timestamp", at.to_string())
            .with("webhook-signature", signature)
    };
    let good = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=";
    let guard = make();
    assert_eq!(ask(&guard, &sent(good), at + 1), Ok(()));
    assert!(ask(&guard, &sent(&format!("v1a,AA== {good}")), at + 2).unwrap_err().contains("came before"));
    assert_eq!(ask(&make(), &sent(&format!("v1,AAAA {good}")), at + 1), Ok(()), "one of several");
    for (sent, at, why) in [
        (
            sent("v1,AAAA"),
            at,
            "The signature does not match what was sent: it was changed, or signed with another secret.",
        ),
        (sent(good), at + 301, "The signature is 301 s old, and holds for 5min here."),
        (sent("v2,AAAA"), at, "The request has 0 signatures of the kind that is taken; 1 to 8 can be."),
        (sent(&["v1,AAAA"; 9].join(" ")), at, "The request has 9 signatures of the kind that is taken; 1 to 8 can be."),
        (sent(good).with("webhook-id", "msg_2"), at, "The field `webhook-id` came twice, or is not ASCII."),
        (webhook("{}"), at, "The request has no field `webhook-id`."),
        (
            Sent { body: b"{}".to_vec(), ..sent(good) },
            at,
            "The signature does not match what was sent: it was changed, or signed with another secret.",
        ),
    ] {
        assert_eq!(ask(&make(), &sent, at), Err(why.to_owned()), "{sent:?}");
    }
}

#[test]
fn wk_15_webhooks_of_stripe_are_verified_while_a_secret_is_changed() {
    let (old, new) = ("whsec_the_old_one_of_two", "whsec_the_new_one_of_two");
    let guard = |secrets: &str| guard(&[], "stripe", &[("preset", "stripe"), ("secret", secrets)]);
    let content = format!("{CREATED}.{BODY}");
    let of = |secret: &str| hex(&tagged(secret.as_bytes(), &content));
    let sent = |field: String| webhook(BODY).with("stripe-signature", field);
    let both = format!("t={CREATED},v1={},v1={},v0=abc", of(old), of(new));
    for secrets in [old, new, &format!("{old} {new}")] {
        assert_eq!(ask(&guard(secrets), &sent(both.clone()), CREATED), Ok(()), "{secrets}");
    }
    let once = guard(&format!("{old} {new}"));
    assert_eq!(ask(&once, &sent(both.clone()), CREATED), Ok(()));
    let stripped = sent(format!("t={CREATED},v1={}", of(old)));
    assert!(ask(&once, &stripped, CREATED).unwrap_err().contains("came before"), "the same with one signature less");
    for (field, why) in [
        (both.replacen("t=", "t=-", 1), "The time of the signature is not a number of seconds."),
        (both.replace("t=", "x="), "The field `stripe-signature` has not exactly one time (`t`)."),
        (format!("t=1,{both}"), "The field `stripe-signature` has not exactly one time (`t`)."),
    ] {
        assert_eq!(ask(&guard(old), &sent(field.clone()), CREATED), Err(why.to_owned()), "{field}");
    }
}

#[test]
fn wk_15_webhooks_of_github_are_verified_with_the_example_of_its_documentation() {
    let guard = guard(&[], "github", &[("preset", "github"), ("secret", "It's_a_Secret_to_Everybody")]);
    let content = "Hello, World!";
    let tag = hex(&tagged(b"It's_a_Secret_to_Everybody", content));
    let sent = |field: String| webhook(content).with("x-hub-signature-256", field);
    for _ in 0..2 {
        assert_eq!(ask(&guard, &sent(format!("sha256={tag}")), CREATED), Ok(()), "there is no time to remember it by");
    }
    for wrong in [
        tag.clone(),
        format!("sha1={tag}"),
        format!("sha256={}", &tag[1..]),
        format!("sha256={tag}0"),
        "sha256=".to_owned(),
    ] {
        assert!(ask(&guard, &sent(wrong.clone()), CREATED).is_err(), "{wrong}");
    }
}
