//! What is covered is what is signed, byte for byte, and nothing is read in two ways.

use http::{HeaderMap, HeaderName, HeaderValue, Method, Uri};
use proptest::prelude::*;

use super::*;

fn headers(fields: &[(&str, &str)]) -> HeaderMap {
    let fields = fields
        .iter()
        .map(|(name, value)| (HeaderName::from_bytes(name.as_bytes()).unwrap(), HeaderValue::from_str(value).unwrap()));
    fields.collect()
}

fn read(text: &str) -> Result<Vec<Member>, BadField> {
    dictionary([text.as_bytes()])
}

#[test]
fn dictionaries_are_read_as_rfc_9651_writes_them() {
    let members = read("a=1, b=\"x\\\"y\";p;q=?0,\tc=(\"@method\" token;x=:AAE=:),  d").unwrap();
    assert_eq!(members.len(), 4);
    assert_eq!(members[0].value, Value::Item(Bare::Integer(1)));
    assert_eq!(members[1].value, Value::Item(Bare::Text("x\"y".to_owned())));
    assert_eq!(members[1].parameters.to_string(), ";p;q=?0");
    let Value::List(items) = &members[2].value else { panic!("{members:?}") };
    assert_eq!(items[1].0, Bare::Token("token".to_owned()));
    assert_eq!(items[1].1.to_string(), ";x=:AAE=:");
    assert_eq!(members[3].value, Value::Item(Bare::Flag(true)));
    assert_eq!(dictionary([&b"a=1"[..], b"b=2"]).unwrap().len(), 2, "fields of one name are one list");
    assert_eq!(read("").unwrap(), []);
    let most = "1".repeat(15);
    assert_eq!(read(&format!("a=-{most}")).unwrap()[0].value, Value::Item(Bare::Integer(-111_111_111_111_111)));
}

#[test]
fn whatever_could_be_read_in_two_ways_is_refused_with_its_place() {
    for (bad, what) in [
        ("a=1,", "nothing follows the last comma"),
        ("a=1, a=2", "a name stands twice"),
        ("a;x=1;x=2", "a parameter stands twice"),
        ("A=1", "a name does not begin with a small letter"),
        ("a=", "a value is missing"),
        ("a=1 b=2", "something else than a comma stands between two members"),
        ("a=(\"x\"\"y\")", "a list is not closed"),
        ("a=(\"x\"", "a list is not closed"),
        ("a=\"x", "text is not closed"),
        ("a=\"\\x\"", "a backslash stands before something else than a quote or a backslash"),
        ("a=\"\u{e9}\"", "text has a character that is not printable ASCII"),
        ("a=:AAE", "bytes are not closed"),
        ("a=:AAE:", "bytes are no base64"),
        ("a=:A_E=:", "bytes are no base64"),
        ("a=1.5", "a number has a fraction"),
        ("a=-", "a number has no digit, or more than 15"),
        ("a=1111111111111111", "a number has no digit, or more than 15"),
        ("a=?2", "a question mark stands before something else than 0 or 1"),
        ("a=@1", "a value is missing"),
    ] {
        assert_eq!(read(bad).map_err(|fault| fault.what), Err(what), "{bad}");
    }
    assert_eq!(read("ab=?2").unwrap_err().at, 5);
    let many = |count: usize| (0..count).map(|number| format!("a{number}")).collect::<Vec<_>>();
    assert!(read(&many(16).join(",")).is_ok() && read(&many(17).join(",")).is_err());
    let items = |count: usize| format!("a=({})", vec!["1"; count].join(" "));
    assert!(read(&items(64)).is_ok() && read(&items(65)).is_err());
    let parameters = |count: usize| format!("a;{}", many(count).join(";"));
    assert!(read(&parameters(16)).is_ok() && read(&parameters(17)).is_err());
}

const SIGNATURE: &str = "s=:AAE=:";

fn one(input: &str) -> Result<Input, BadInput> {
    let headers = headers(&[("signature-input", input), ("signature", SIGNATURE)]);
    inputs(&headers).map(|mut inputs| inputs.remove(0))
}

#[test]
fn a_signature_is_what_both_fields_say_of_it() {
    let input = one("s=( \"@method\"  \"date\" );created=1;expires=2;keyid=\"k\";alg=\"ed25519\";nonce=\"n\"").unwrap();
    assert_eq!(input.components, [Component::Method, Component::parse("date").unwrap()]);
    assert_eq!((input.created, input.expires), (Some(1), Some(2)));
    assert_eq!((input.key_id.as_deref(), input.algorithm.as_deref()), (Some("k"), Some("ed25519")));
    assert_eq!(input.signature, [0, 1]);
    assert_eq!(
        input.parameters, "(\"@method\" \"date\");created=1;expires=2;keyid=\"k\";alg=\"ed25519\";nonce=\"n\"",
        "written as the standard does, whatever the spaces"
    );
    assert_eq!(inputs(&HeaderMap::new()), Ok(Vec::new()));
}

#[test]
fn a_signature_that_cannot_be_verified_says_why() {
    for (bad, why) in [
        ("s=1", "the signature \"s\" is not described by a list of what it covers"),
        ("t=()", "the signature \"t\" is described, and not in the field `Signature`"),
        ("s=(\"@method\" \"@method\")", "the signature \"s\" covers something twice"),
        ("s=(\"@status\")", "the signature \"s\" cannot be verified: \"@status\" is no part of a request"),
        ("s=(\"Date\")", "the signature \"s\" cannot be verified: \"Date\" is no part of a request"),
        ("s=(date)", "the signature \"s\" cannot be verified: a covered part is not named by text"),
        (
            "s=(\"date\";sf)",
            "the signature \"s\" cannot be verified: the parameter \"sf\" of a covered part is not supported",
        ),
        (
            "s=(\"date\";bs)",
            "the signature \"s\" cannot be verified: the parameter \"bs\" of a covered part is not supported",
        ),
        (
            "s=(\"@method\";req)",
            "the signature \"s\" cannot be verified: the parameter \"req\" of a covered part is not supported",
        ),
        (
            "s=(\"date\";name=\"x\")",
            "the signature \"s\" cannot be verified: the parameter \"name\" of a covered part is not supported",
        ),
        ("s=(\"@query-param\")", "the signature \"s\" cannot be verified: \"@query-param\" has no name"),
        ("s=();created=\"1\"", "the parameter \"created\" of the signature \"s\" is of another type"),
        ("s=();keyid=k", "the parameter \"keyid\" of the signature \"s\" is of another type"),
        ("s=(", "the field `signature-input` is malformed: a value is missing, at byte 3"),
    ] {
        assert_eq!(one(bad).unwrap_err().to_string(), why, "{bad}");
    }
}

fn based(uri: &str, secure: bool, fields: &[(&str, &str)], components: &str) -> Result<String, Absent> {
    let uri: Uri = uri.parse().unwrap();
    let headers = headers(fields);
    let input = one(&format!("s=({components})")).unwrap();
    let request = Signed { method: &Method::POST, uri: &uri, headers: &headers, secure };
    base(&input.components, "()", request).map(|base| String::from_utf8(base).unwrap())
}

#[test]
fn every_part_is_written_as_rfc_9421_says() {
    let host = ("host", "WWW.Example.com:443");
    let twice = [host, ("x", " a "), ("x", "b"), ("empty", "")];
    let target = "/path?param=value&foo=bar&baz=batman&qux=";
    for (component, line) in [
        ("\"@method\"", "\"@method\": POST"),
        ("\"@authority\"", "\"@authority\": www.example.com"),
        ("\"@scheme\"", "\"@scheme\": https"),
        ("\"@path\"", "\"@path\": /path"),
        ("\"@query\"", "\"@query\": ?param=value&foo=bar&baz=batman&qux="),
        ("\"@request-target\"", "\"@request-target\": /path?param=value&foo=bar&baz=batman&qux="),
        ("\"@target-uri\"", "\"@target-uri\": https://www.example.com/path?param=value&foo=bar&baz=batman&qux="),
        ("\"@query-param\";name=\"baz\"", "\"@query-param\";name=\"baz\": batman"),
        ("\"@query-param\";name=\"qux\"", "\"@query-param\";name=\"qux\": "),
        ("\"x\"", "\"x\": a, b"),
        ("\"empty\"", "\"empty\": "),
    ] {
        let expected = format!("{line}\n\"@signature-params\": ()");
        assert_eq!(based(target, true, &twice, component), Ok(expected), "{component}");
    }
    assert_eq!(based("/", false, &[("host", "a:80")], "\"@query\"").unwrap().lines().next(), Some("\"@query\": ?"));
    let authority = |host| based("/", false, &[("host", host)], "\"@authority\"").unwrap();
    assert!(authority("a:80").starts_with("\"@authority\": a\n"));
    assert!(authority("a:443").starts_with("\"@authority\": a:443\n"));
}

#[test]
fn parameters_of_the_query_are_encoded_anew() {
    let query = "/parameters?var=this%20is%20a%20big%0Amultiline%20value&bar=with+plus+whitespace&fa%C3%A7ade%22%3A%20=something";
    for (name, value) in [
        ("var", "this%20is%20a%20big%0Amultiline%20value"),
        ("bar", "with%20plus%20whitespace"),
        ("fa%C3%A7ade%22%3A%20", "something"),
    ] {
        let component = format!("\"@query-param\";name=\"{name}\"");
        let base = based(query, true, &[], &component).unwrap();
        assert_eq!(base.lines().next(), Some(format!("{component}: {value}").as_str()));
    }
}

#[test]
fn what_is_covered_and_not_there_or_there_twice_is_absent() {
    for (uri, fields, component) in [
        ("/", &[("host", "a")][..], "\"date\""),
        ("/", &[("host", "a"), ("host", "b")], "\"@authority\""),
        ("/", &[("host", "a")], "\"@query-param\";name=\"x\""),
        ("/?x=1&%78=2", &[("host", "a")], "\"@query-param\";name=\"x\""),
    ] {
        let absent = based(uri, true, fields, component).unwrap_err();
        assert_eq!(absent.to_string(), format!("{component} is covered, and not in the request exactly once"));
    }
}

#[test]
fn the_whole_covers_its_parts() {
    let part = |text| Component::parse(text).unwrap();
    for (whole, covered) in [
        ("@target-uri", &["@authority", "@scheme", "@request-target", "@path", "@query"][..]),
        ("@request-target", &["@path", "@query"]),
        ("date", &["date"]),
    ] {
        assert!(covered.iter().all(|covered| part(whole).covers(&part(covered))), "{whole}");
    }
    assert!(!part("@path").covers(&part("@query")) && !part("@target-uri").covers(&part("@method")));
}

#[test]
fn digests_are_those_that_prove_something() {
    let digest = |text| digests(&headers(&[("content-digest", text)]));
    let both = digest("sha-256=:AAE=:, md5=:AA==:, sha-512=:AQ==:").unwrap();
    assert_eq!(both, Digests { sha256: Some(vec![0, 1]), sha512: Some(vec![1]) });
    assert_eq!(digest("md5=:AA==:"), Ok(Digests::default()));
    assert!(digest("sha-256=:").is_err());
}

fn bare() -> impl Strategy<Value = Bare> {
    prop_oneof![
        (-999_999_999_999_999_i64..=999_999_999_999_999).prop_map(Bare::Integer),
        "[ -~]{0,20}".prop_map(Bare::Text),
        "[a-zA-Z*][a-zA-Z0-9!#$%&'*+.^_`|~:/-]{0,9}".prop_map(Bare::Token),
        proptest::collection::vec(any::<u8>(), 0..20).prop_map(Bare::Bytes),
        any::<bool>().prop_map(Bare::Flag),
    ]
}

proptest! {
    #[test]
    fn what_was_written_is_what_is_read(value in bare(), parameter in bare()) {
        let members = read(&format!("a={value};p={parameter}")).unwrap();
        prop_assert_eq!(&members[0].value, &Value::Item(value));
        prop_assert_eq!(members[0].parameters.get("p"), Some(&parameter));
    }

    #[test]
    fn no_bytes_make_it_panic(input in "[ -~]{0,80}", signature in "[ -~]{0,40}", uri in "/[a-z?&=%+]{0,20}") {
        let headers = headers(&[("signature-input", &input), ("signature", &signature), ("content-digest", &input)]);
        let _digests = digests(&headers);
        let Ok(uri) = uri.parse::<Uri>() else { return Ok(()) };
        for input in inputs(&headers).unwrap_or_default() {
            let request = Signed { method: &Method::GET, uri: &uri, headers: &headers, secure: true };
            let _base = base(&input.components, &input.parameters, request);
        }
    }
}
