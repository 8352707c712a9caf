//! Signatures as the standards have them: their own examples hold, and whatever is changed, late or sent again is refused.

mod replays;
mod rfc9421;
mod settings;
mod webhooks;

use aws_lc_rs::hmac;
use base64::{Engine, engine::general_purpose::STANDARD};
use http::{HeaderName, HeaderValue, Request};
use seawall_core::{
    clock::Now,
    problem::Problem,
    settings::{Raw, Values},
};

use super::{SECTION, values};
use crate::{Context, Expected, Guard, Head, Shared, Verdict, engine::sample_context, signatures::SignaturesGuard};

/// The time of the examples in RFC 9421 appendix B.2.
const CREATED: u64 = 1_618_884_473;

const RSA_PSS: &str = "MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEAr4tmm3r20Wd/PbqvP1s2+QEtvpuRaV8Yq40gjUR8y2Rjxa6dpG2GXHbPfvMs8ct+Lh1GH45x28Rw3Ry53mm+oAXjyQ86OnDkZ5N8lYbggD4O3w6M6pAvLkhk95AndTrifbIFPNU8PPMO7OyrFAHqgDsznjPFmTOtCEcN2Z1FpWgchwuYLPL+Wokqltd11nqqzi+bJ9cvSKADYdUAAN5WUtzdpiy6LbTgSxP7ociU4Tn0g5I6aDZJ7A8Lzo0KSyZYoA485mqcO0GVAdVw9lq4aOT9v6d+nb4bnNkQVklLQ3fVAvJm+xdDOp9LCNCN48V2pnDOkFV6+U9nV5oyc6XI2wIDAQAB";
const ED25519: &str = "-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEAJrQLj5P/89iXES9+vFgrIy29clF9CC/oPPsw3c5D0bs=\n-----END PUBLIC KEY-----\n";
const SHARED: &str = "base64:uzvJfB4u3N0Jy4T7NZ75MDVcr8zSTInedJtkgcu46YW4XByzNJjxBdtjUkdJPBtbmHhIDi6pcl8jsasjlTMtDQ==";
const BODY: &str = "{\"hello\": \"world\"}";

fn text(text: &str) -> Raw {
    Raw::Text(text.to_owned())
}

fn entry(fields: &[(&str, &str)]) -> Values {
    fields
        .iter()
        .fold(Values::of_defaults(SECTION.entries.unwrap()), |values, (key, value)| values.with(key, text(value)))
}

fn try_guard(
    require: &[&str],
    settings: &[(&str, Raw)],
    keys: &[(&str, &[(&str, &str)])],
    shared: &Shared,
) -> Result<Option<SignaturesGuard>, String> {
    let names = Raw::List(require.iter().map(|name| text(name)).collect());
    let values =
        settings.iter().fold(values().with("require", names), |values, (key, raw)| values.with(key, raw.clone()));
    let entries: Vec<_> = keys.iter().map(|(name, fields)| ((*name).to_owned(), entry(fields))).collect();
    SignaturesGuard::read(&values, &entries, shared).map_err(|fault| fault.to_string())
}

fn guard(settings: &[(&str, Raw)], name: &str, fields: &[(&str, &str)]) -> SignaturesGuard {
    try_guard(&[name], settings, &[(name, fields)], &Shared::in_memory()).unwrap().unwrap()
}

/// A request: method, target, fields, body.
#[derive(Clone, Debug)]
struct Sent {
    method: &'static str,
    target: String,
    fields: Vec<(String, String)>,
    body: Vec<u8>,
}

impl Sent {
    fn with(mut self, name: &str, value: impl Into<String>) -> Self {
        self.fields.push((name.to_owned(), value.into()));
        self
    }
}

/// The request of RFC 9421 appendix B.2.
fn example() -> Sent {
    Sent { method: "POST", target: "/foo?param=Value&Pet=dog".to_owned(), fields: Vec::new(), body: BODY.into() }
        .with("host", "example.com")
        .with("date", "Tue, 20 Apr 2021 02:07:55 GMT")
        .with("content-type", "application/json")
        .with(
            "content-digest",
            "sha-512=:WZDPaVn/7XgHaAy8pmojAkGWoRx2UFChF41A2svX+TaPm+AbwAgBWnrIiYllu7BNNyealdVLvRwEmTHWXvJwew==:",
        )
        .with("content-length", "18")
}

fn head_of(sent: &Sent) -> Head {
    let mut head = Request::builder().method(sent.method).uri(&sent.target).body(()).unwrap().into_parts().0;
    for (name, value) in &sent.fields {
        head.headers.append(HeaderName::from_bytes(name.as_bytes()).unwrap(), HeaderValue::from_str(value).unwrap());
    }
    head
}

/// What the guard says of the whole request, and what it has learned.
fn ask_with(guard: &SignaturesGuard, sent: &Sent, unix_s: u64) -> (Result<(), Box<Problem>>, Head, Context) {
    let mut head = head_of(sent);
    let mut context = sample_context();
    context.now = Now { monotonic_us: 1, unix_us: unix_s * 1_000_000 };
    let verdict = decide(guard, &mut head, &mut context, &sent.body);
    let result = match verdict {
        Verdict::Pass => Ok(()),
        Verdict::Refuse(problem) => Err(problem),
        other => panic!("{other:?}"),
    };
    (result, head, context)
}

fn decide(guard: &SignaturesGuard, head: &mut Head, context: &mut Context, body: &[u8]) -> Verdict {
    match guard.head(head, context) {
        Verdict::Pass => {}
        other => return other,
    }
    let expected = Expected { length: None, tree: false };
    let mut look = match guard.inspect(head, &expected, context) {
        Ok(look) => look.unwrap(),
        Err(problem) => return Verdict::Refuse(problem),
    };
    for part in body.chunks(7) {
        if let Err(problem) = look.part(part) {
            return Verdict::Refuse(problem);
        }
    }
    match look.end(head, context) {
        Verdict::Later(wait) => futures_util::FutureExt::now_or_never(wait).expect("it is ready")(head, context),
        other => other,
    }
}

fn ask(guard: &SignaturesGuard, sent: &Sent, unix_s: u64) -> Result<(), String> {
    ask_with(guard, sent, unix_s).0.map_err(|problem| problem.detail.unwrap_or_default().into_owned())
}

fn list(words: &[&str]) -> Raw {
    Raw::List(words.iter().map(|word| text(word)).collect())
}

const SECRET: &str = "a secret of two, kept well";

/// A request signed by hmac-sha256, with what the example covers.
fn signed_with(sent: Sent, covered: &str, parameters: &str) -> Sent {
    let input = format!("({covered}){parameters}");
    let mut head = head_of(&sent);
    head.headers.insert("signature-input", HeaderValue::from_str(&format!("sig={input}")).unwrap());
    head.headers.insert("signature", HeaderValue::from_static("sig=:AA==:"));
    let components = seawall_core::signatures::inputs(&head.headers).unwrap().remove(0).components;
    let signed = seawall_core::signatures::Signed {
        method: &head.method,
        uri: &head.uri,
        headers: &head.headers,
        secure: false,
    };
    let base = seawall_core::signatures::base(&components, &input, signed).unwrap();
    let key = hmac::Key::new(hmac::HMAC_SHA256, SECRET.replace(' ', "_").as_bytes());
    let tag = STANDARD.encode(hmac::sign(&key, &base));
    sent.with("signature-input", format!("sig={input}")).with("signature", format!("sig=:{tag}:"))
}

const COVERED: &str = "\"@method\" \"@path\" \"@query\" \"content-digest\" \"date\"";

fn parameters(extra: &str) -> String {
    format!(";created={CREATED};keyid=\"partner\"{extra}")
}

fn signed() -> Sent {
    signed_with(example(), COVERED, &parameters(""))
}

fn partner(settings: &[(&str, Raw)]) -> SignaturesGuard {
    let secret = SECRET.replace(' ', "_");
    guard(settings, "partner", &[("algorithm", "hmac-sha256"), ("secret", &secret)])
}

fn webhook(body: &str) -> Sent {
    Sent { method: "POST", target: "/hooks".to_owned(), fields: Vec::new(), body: body.into() }
}
