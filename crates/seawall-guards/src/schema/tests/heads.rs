//! Path, query, headers and cookies.

use http::{HeaderMap, HeaderName, HeaderValue};

use super::{super::*, *};

/// What is wrong with a request's head.
fn head(document: &Document, request: &str, headers: &[(&str, &str)], unknown: UnknownFields) -> Faults {
    let (method, target) = request.split_once(' ').unwrap();
    let (path, query) = target.split_once('?').map_or((target, None), |(path, query)| (path, Some(query)));
    let mut captured = Captured::new();
    let Described::Operation(operation) = document.find(&method.parse().unwrap(), path, &mut captured) else {
        panic!("no operation for {request}");
    };
    let headers = headers
        .iter()
        .map(|(name, value)| (name.parse::<HeaderName>().unwrap(), HeaderValue::from_str(value).unwrap()));
    let headers: HeaderMap = headers.collect();
    operation.head(Parts { captured: &captured, query, headers: &headers }, unknown, NOW)
}

const TENANT: (&str, &str) = ("x-tenant", "123e4567-e89b-12d3-a456-426614174000");

fn check(text: &str, request: &str, expect: &[&str]) {
    let faults = head(&document(text), request, &[TENANT], UnknownFields::Reject);
    assert_eq!(told(&faults), expect, "{request}: {faults:?}");
}

#[test]
fn pm_6_days_beyond_3650_are_refused_with_the_reason() {
    check(FASTAPI, "GET /orders?days=3650", &[]);
    for bad in ["9999", "0", "3651"] {
        let faults = head(&document(FASTAPI), &format!("GET /orders?days={bad}"), &[TENANT], UnknownFields::Reject);
        let [field] = &*faults.fields() else { panic!("{faults:?}") };
        assert_eq!(field.field, "query.days");
        assert!(field.message.contains("1 to 3650"), "{field:?}");
        assert!(!field.message.contains(bad) || bad == "0", "no value is told: {field:?}");
    }
    for bad in ["ten", "1.5", "", "1e", "0x10", "%31%"] {
        assert!(
            !head(&document(FASTAPI), &format!("GET /orders?days={bad}"), &[TENANT], UnknownFields::Reject).is_empty()
        );
    }
}

#[test]
fn pm_6_dates_in_queries_are_dates_and_not_in_the_future() {
    check(FASTAPI, "GET /orders?since=2024-02-29", &[]);
    check(FASTAPI, "GET /orders?since=2024-03-01", &["query.since x-not-in-future"]);
    check(FASTAPI, "GET /orders?since=29.02.2024", &["query.since format"]);
    check(FASTAPI, "GET /orders?since=2023-02-29", &["query.since format"]);
}

#[test]
fn the_most_specific_path_is_meant_and_no_spelling_slips_past() {
    check(FASTAPI, "GET /orders/7", &[]);
    check(FASTAPI, "HEAD /ORDERS/7/", &[]);
    check(FASTAPI, "GET //Orders;x=1/zero", &["path.order_id type"]);
    check(FASTAPI, "GET /orders/0", &["path.order_id exclusiveMinimum"]);
    check(FASTAPI, "GET /orders/latest", &[]);
    check(NESTJS, "GET /v1/cats", &[]);
    let document = document(NESTJS);
    let asked = |method: &str, path| document.find(&method.parse().unwrap(), path, &mut Captured::new());
    assert!(matches!(asked("GET", "/cats"), Described::Nothing), "the application is mounted elsewhere");
    assert!(matches!(asked("DELETE", "/v1/cats"), Described::OtherMethods));
}

#[test]
fn what_is_given_twice_unknown_or_missing_is_told() {
    check(FASTAPI, "GET /orders?days=1&days=2", &["query.days once"]);
    check(FASTAPI, "GET /orders?day=1&api_key=k", &["query.day parameters"]);
    check(FASTAPI, "GET /orders?tag=a&tag=bb&tag=toolong", &["query.tag/2 maxLength"]);
    check(FASTAPI, "GET /orders?open=True&tag=", &[]);
    check(FASTAPI, "GET /orders?open=maybe", &["query.open type"]);
    check(NESTJS, "GET /v1/cats?ids=1,2&limit=100&filter=%7B%22breed%22:%22x%22%7D", &[]);
    check(
        NESTJS,
        "GET /v1/cats?ids=1,x,2,3&limit=0",
        &["query.ids maxItems", "query.ids/1 type", "query.limit exclusiveMinimum"],
    );
    check(NESTJS, "GET /v1/cats?filter=%7B%22bread%22:1%7D", &["query.filter/bread additionalProperties"]);
    check(NESTJS, "GET /v1/cats?filter=x", &["query.filter content"]);
    check(UTOIPA, "PUT /api/v1/pets/ann/7", &[]);
    check(UTOIPA, "PUT /api/v1/pets/a%2Db/99999999999999999999", &["path.owner format", "path.id maximum"]);
    let fastapi = document(FASTAPI);
    let missing = head(&fastapi, "GET /orders", &[], UnknownFields::Reject);
    assert_eq!(told(&missing), ["header.x-tenant required"]);
    let headers = [("x-tenant", "me"), ("cookie", "a=b; theme=blue")];
    let faults = head(&fastapi, "GET /orders?x=1", &headers, UnknownFields::Allow);
    assert_eq!(told(&faults), ["header.x-tenant format", "cookie.theme enum"]);
}

#[test]
fn unknown_parameters_are_taken_out_where_that_is_wanted() {
    let fastapi = document(FASTAPI);
    let list = operation(&fastapi, "GET /orders");
    assert_eq!(list.stripped_query("days=1&x=2&api%5Fkey=k&%74ag=a").as_deref(), Some("days=1&api%5Fkey=k&%74ag=a"));
    assert_eq!(list.stripped_query("days=1"), None);
    assert_eq!(list.stripped_query("x").as_deref(), Some(""));
}

#[test]
fn parameters_in_the_path_hide_nothing() {
    let text = r#"{"openapi": "3.1.0", "paths": {"/orders/{id}": {"get": {"parameters": [
        {"name": "id", "in": "path", "required": true, "schema": {"type": "integer"}},
        {"name": "theme", "in": "cookie", "schema": {"enum": ["dark", "light"]}}]}}}}"#;
    check(text, "GET /orders/7", &[]);
    for target in ["/orders/7;%20OR%201=1", "/orders/7;", "/orders/x;7"] {
        let told = head(&document(text), &format!("GET {target}"), &[], UnknownFields::Reject);
        assert!(!told.is_empty() && told.list().iter().all(|fault| fault.field() == "path.id"), "{target}: {told:?}");
    }
    let cookie = |value: &[u8]| {
        let headers = HeaderMap::from_iter([(http::header::COOKIE, HeaderValue::from_bytes(value).unwrap())]);
        let document = document(text);
        told(&operation(&document, "GET /orders/7").head(
            Parts { captured: &["7"], query: None, headers: &headers },
            UnknownFields::Reject,
            NOW,
        ))
    };
    assert_eq!(cookie(b"theme=dark; x=\xe9"), [""; 0]);
    assert_eq!(cookie(b"x=\xe9; theme=other"), ["cookie.theme enum"]);
    assert_eq!(cookie(b"theme=\xe9"), ["cookie.theme encoding"]);
}
