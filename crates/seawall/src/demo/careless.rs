//! A sample application with the faults that real ones have: it tells its software, grants every origin, lets everyone
//! guess passwords, shows its stack traces, and hangs.

use std::{io, net::TcpListener, time::Duration};

use axum::{
    Router,
    body::{Body, Bytes},
    extract::Request,
    http::{HeaderValue, Response, StatusCode},
    response::{Html, IntoResponse},
    routing::{get, post},
};
use serde_json::{Value, json};

const PAGE: &str = include_str!("page.html");

const STACK_TRACE: &str = "Traceback (most recent call last):
  File \"/srv/app/orders.py\", line 42, in list_orders
    rows = database.query(\"SELECT * FROM orders WHERE user = '\" + user + \"'\")
psycopg2.OperationalError: connection to postgres://app@10.0.0.7/shop failed
  DB_PASSWORD=correct-horse-battery-staple
";

/// Serves the sample application until the future is dropped.
///
/// # Errors
/// The system's error when the listener cannot be used.
pub async fn serve(listener: TcpListener) -> io::Result<()> {
    let router = Router::new()
        .route("/", get(|| async { Html(PAGE) }))
        .route("/api/users", get(users))
        .route(
            "/api/login",
            post(|| async { (StatusCode::UNAUTHORIZED, axum::Json(json!({ "error": "wrong password" }))) }),
        )
        .route("/api/crash", get(|| async { (StatusCode::INTERNAL_SERVER_ERROR, STACK_TRACE) }))
        .route("/api/slow", get(slow))
        .route("/api/echo", get(echo).post(echo))
        .route("/api/upload", post(|body: Bytes| async move { axum::Json(json!({ "received": body.len() })) }));
    axum::serve(tokio::net::TcpListener::from_std(listener)?, router).await
}

async fn users() -> impl IntoResponse {
    let headers = [("server", "CarelessApp/0.1"), ("x-powered-by", "Luck"), ("access-control-allow-origin", "*")];
    (headers, axum::Json(json!([{ "id": 1, "name": "Ann" }, { "id": 2, "name": "Bob" }])))
}

async fn slow() -> impl IntoResponse {
    tokio::time::sleep(Duration::from_secs(3_600)).await;
    "at last"
}

/// What the application is told.
async fn echo(request: Request) -> Response<Body> {
    let text = |value: &HeaderValue| Value::from(String::from_utf8_lossy(value.as_bytes()));
    let headers = request.headers().iter().map(|(name, value)| (name.to_string(), text(value)));
    let body = json!({ "method": request.method().as_str(), "target": request.uri().to_string(), "headers": Value::Object(headers.collect()) });
    axum::Json(body).into_response()
}
